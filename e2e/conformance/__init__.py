"""Speaks to any Lavalink v4 server and says what it lacks. It knows nothing of Legato."""
