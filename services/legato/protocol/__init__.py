"""What the ownership protocol decides, as values in and values out: no clock, no Redis, no log.

Used by those who hold, write and connect, and by the model that checks the protocol as a whole.
"""
