"""Tracks as lavaplayer writes them, made by hand, so that no server has to load them first. Pure.

The layout is lavaplayer's MessageOutput and AudioPlayerManager.encodeTrack: a size with two flag
bits, the version, then the fields; texts as Java's writeUTF writes them.
"""

import base64
import struct
from dataclasses import dataclass

VERSIONED = 1 << 30


@dataclass(frozen=True, slots=True)
class HttpTrack:
    """A track of the source `http`."""

    uri: str
    title: str = "A title"
    author: str = "An author"
    length: int = 60_000
    container: str = "mp3"
    position: int = 0

    def encode(self, version: int = 3) -> str:
        """Write it."""
        body = bytes([version]) + _text(self.title) + _text(self.author)
        body += struct.pack(">q", self.length) + _text(self.uri) + b"\0"
        if version >= 2:
            body += b"\1" + _text(self.uri)
        if version >= 3:
            body += b"\0\0"
        body += _text("http") + _text(self.container) + struct.pack(">q", self.position)
        return base64.b64encode(struct.pack(">I", len(body) | VERSIONED) + body).decode()


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw
