"""The embedded audio node: Lavalink's v4 protocol on FFmpeg."""
