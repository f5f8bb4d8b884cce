"""Lavalink's track message, version 3: bytes to `Track` and back. Pure; knows one source, `http`.

The layout is lavaplayer's `MessageOutput`: a big-endian size with two flag bits, then the version
and the fields, with strings as Java's `writeUTF` writes them (modified UTF-8). Plain UTF-8, which
some clients write, is read as well.
"""

import base64
import binascii
import struct
from dataclasses import dataclass

from legato.node import protocol

VERSION = 3
FLAG_VERSIONED = 1 << 30
SIZE_MASK = (1 << 30) - 1
UNKNOWN_LENGTH = (1 << 63) - 1
"""Java's Long.MAX_VALUE, which lavaplayer gives a stream without end."""

LONGEST_TEXT = 4000
"""Characters kept of a tag; three bytes each stay far below the 65,535 that a string may have."""

PROBED_SOURCES = frozenset({"http", "local"})
"""Sources whose tracks carry the container's name after the source's."""


class BadTrack(ValueError):
    """Text that is no track."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A track's fields and the name of its container, as far as its source stores it."""

    info: protocol.TrackInfo
    probe: str


def encode(info: protocol.TrackInfo, probe: str) -> str:
    """Write a track as Lavalink does."""
    body = bytearray([VERSION])
    body += _text(info.title) + _text(info.author)
    body += struct.pack(">q", info.length)
    body += _text(info.identifier)
    body += bytes([info.is_stream])
    for optional in (info.uri, info.artwork_url, info.isrc):
        body += b"\0" if optional is None else b"\1" + _text(optional)
    body += _text(info.source_name)
    if info.source_name in PROBED_SOURCES:
        body += _text(probe)
    body += struct.pack(">q", info.position)
    return base64.b64encode(struct.pack(">I", len(body) | FLAG_VERSIONED) + body).decode()


def decode(encoded: str) -> Decoded:
    """Read a track of version 1 to 3; raises BadTrack."""
    try:
        return _decode(_Reader(base64.b64decode(encoded, validate=True)))
    except (binascii.Error, struct.error, IndexError, ValueError) as error:
        raise BadTrack(f"not a track: {error}") from error


def public(encoded: str, user_data: protocol.Json | None = None) -> protocol.Track:
    """Say what clients see of a track; raises BadTrack."""
    info = decode(encoded).info
    return protocol.Track(encoded=encoded, info=info, user_data=user_data or {})


def _decode(reader: "_Reader") -> Decoded:
    header = reader.number(">I")
    size = header & SIZE_MASK
    if size > reader.left:
        raise BadTrack("cut off")
    version = reader.number(">B") if header & FLAG_VERSIONED else 1
    if not 1 <= version <= VERSION:
        raise BadTrack(f"version {version}")
    title, author = reader.text(), reader.text()
    length = reader.number(">q")
    identifier = reader.text()
    is_stream = reader.number(">B") != 0
    uri = reader.optional() if version >= 2 else None
    artwork, isrc = (reader.optional(), reader.optional()) if version >= 3 else (None, None)
    source = reader.text()
    probe = reader.text() if source in PROBED_SOURCES else ""
    # Other sources' own fields stand between here and the last eight bytes.
    position = struct.unpack(">q", reader.rest()[-8:])[0]
    info = protocol.TrackInfo(
        identifier=identifier,
        is_seekable=not is_stream,
        author=author,
        length=length,
        is_stream=is_stream,
        position=position,
        title=title,
        uri=uri,
        source_name=source,
        artwork_url=artwork,
        isrc=isrc,
    )
    return Decoded(info, probe)


def _text(value: str) -> bytes:
    """Write a string as Java does: astral characters as two surrogates, NUL as two bytes."""
    if value.isascii() and "\0" not in value:
        return _counted(value.encode())
    units = value.encode("utf-16-be", "surrogatepass")
    raw = b"".join(
        b"\xc0\x80" if unit == 0 else chr(unit).encode("utf-8", "surrogatepass")
        for (unit,) in struct.iter_unpack(">H", units)
    )
    return _counted(raw)


def _counted(raw: bytes) -> bytes:
    if len(raw) > 0xFFFF:
        raise BadTrack("a text is too long")
    return struct.pack(">H", len(raw)) + raw


def _read_text(raw: bytes) -> str:
    """Read Java's modified UTF-8 and plain UTF-8 alike."""
    text = raw.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
    return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")


class _Reader:
    """A cursor over the message."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def number(self, layout: str) -> int:
        (value,) = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return int(value)

    def text(self) -> str:
        size = self.number(">H")
        if size > self.left:
            raise BadTrack("cut off")
        raw = self._data[self._at : self._at + size]
        self._at += size
        return _read_text(raw)

    def optional(self) -> str | None:
        return self.text() if self.number(">B") else None

    def rest(self) -> bytes:
        return self._data[self._at :]
