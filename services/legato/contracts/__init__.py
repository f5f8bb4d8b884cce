"""What crosses a process boundary: messages, keys, documents."""
