"""Legato: a Discord music platform whose music does not stop."""
