"""Lavalink v4's REST routes."""
