"""A machine for the scenarios: every service a process of its own, and a Discord that listens."""
