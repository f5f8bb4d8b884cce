"""The TLS presentation language with MLS's vectors. Bytes only; it knows no message.

RFC 9420, 2.1.2: a vector's length is written in 1, 2 or 4 bytes, always in the fewest.
"""

import struct

SHORT, MIDDLE, LONG = 1 << 6, 1 << 14, 1 << 30
_U16, _U32, _U64 = struct.Struct(">H"), struct.Struct(">I"), struct.Struct(">Q")


class Malformed(ValueError):
    """The bytes are not what the structure says; the text says why."""


def u8(number: int) -> bytes:
    """Write one byte."""
    return bytes([number])


def u16(number: int) -> bytes:
    """Write two bytes, the higher first."""
    return _U16.pack(number)


def u32(number: int) -> bytes:
    """Write four bytes, the highest first."""
    return _U32.pack(number)


def u64(number: int) -> bytes:
    """Write eight bytes, the highest first."""
    return _U64.pack(number)


def vector(content: bytes) -> bytes:
    """Write a vector: its length, then the bytes."""
    size = len(content)
    if size < SHORT:
        return u8(size) + content
    if size < MIDDLE:
        return u16(size | 1 << 14) + content
    return u32(size | 2 << 30) + content


class Reader:
    """Takes one structure after the other off some bytes; raises Malformed."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    @property
    def done(self) -> bool:
        """Say whether everything was read."""
        return self.at == len(self.data)

    def since(self, start: int) -> bytes:
        """Give what was read from a place on."""
        return self.data[start : self.at]

    def rest(self) -> bytes:
        """Take everything that is left."""
        return self.raw(len(self.data) - self.at)

    def raw(self, size: int) -> bytes:
        """Take bytes of a known number."""
        if size > len(self.data) - self.at:
            raise Malformed("it ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        """Take an integer of so many bytes."""
        return int.from_bytes(self.raw(size), "big")

    def vector(self) -> bytes:
        """Take a vector, whose length must be written in the fewest bytes."""
        first = self.number(1)
        prefix = first >> 6
        if prefix == 3:
            raise Malformed("no vector has such a length")
        more = (1 << prefix) - 1
        size = (first & 0x3F) << 8 * more | self.number(more)
        if size < (0, SHORT, MIDDLE)[prefix]:
            raise Malformed("a vector's length is not written in the fewest bytes")
        return self.raw(size)

    def vectors(self) -> list[bytes]:
        """Take a vector of vectors."""
        inner, found = Reader(self.vector()), []
        while not inner.done:
            found.append(inner.vector())
        return found
