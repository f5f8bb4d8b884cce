"""The sentences of each language, one module each. Pure values."""
