"""Lavalink clients that nobody here wrote, and how they are heard. It knows nothing of Legato."""
