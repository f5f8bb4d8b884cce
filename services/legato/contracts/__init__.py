"""What crosses a process boundary: messages, documents, and the names of their keys.

Rules: add fields only with defaults; never rename, retype or repurpose one. A changed meaning is
a new Struct with the next version in its tag, and both are accepted for one release. An unknown tag
raises msgspec.ValidationError; `bus` counts it, puts it aside and goes on.
Times are milliseconds since the epoch by the clock named in the field, durations milliseconds.
"""
