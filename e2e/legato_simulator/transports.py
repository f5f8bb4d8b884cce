"""How gateway payloads travel: plain JSON, zlib-stream or zstd-stream. It knows no events."""

import zlib
from typing import Protocol

from backports.zstd import ZstdCompressor


class Transport(Protocol):
    """Turns one JSON payload into what one websocket message carries."""

    def pack(self, payload: bytes) -> str | bytes:
        """Return text for a text message, bytes for a binary one."""


class Plain:
    """No compression, or zlib per payload where IDENTIFY asked for it."""

    def __init__(self) -> None:
        self.compress = False

    def pack(self, payload: bytes) -> str | bytes:
        """Send text; a large payload is compressed alone when that was asked for."""
        if self.compress and len(payload) > 1024:
            return zlib.compress(payload)
        return payload.decode()


class ZlibStream:
    """One zlib stream over the whole connection, flushed after each payload."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def pack(self, payload: bytes) -> bytes:
        """End each message with 00 00 FF FF, by which clients find its end."""
        return self._stream.compress(payload) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """One zstd frame over the whole connection, flushed after each payload."""

    def __init__(self) -> None:
        self._stream = ZstdCompressor()

    def pack(self, payload: bytes) -> bytes:
        """Flush the block, so that the client can decode at once."""
        return self._stream.compress(payload, mode=ZstdCompressor.FLUSH_BLOCK)


def choose(name: str | None) -> Transport | None:
    """Pick the transport of a connection's `compress` parameter, None when unknown."""
    match name:
        case None | "":
            return Plain()
        case "zlib-stream":
            return ZlibStream()
        case "zstd-stream":
            return ZstdStream()
        case _:
            return None
