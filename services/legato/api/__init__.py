"""The HTTP API for dashboards and other programs."""
