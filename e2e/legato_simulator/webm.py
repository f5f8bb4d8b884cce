"""A WebM stream of Opus packets, written as they come: no length, no index, no end.

Pure: packets in, bytes out. Ids and sizes: https://www.matroska.org/technical/elements.html
"""

import struct

CLUSTER_MS = 1_000
"""A new cluster a second: players drop and seek by clusters."""
_UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"
# Version 1, 2 channels, 312 samples of the encoder's start left out, 48 kHz, gain 0, one stream.
_OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 312, 48_000, 0, 0)
_PRE_SKIP_NS = 6_500_000
_SEEK_PREROLL_NS = 80_000_000


def _element(identity: int, body: bytes) -> bytes:
    size = len(body)
    length = bytes([0x80 | size]) if size < 127 else (0x1000_0000 | size).to_bytes(4, "big")
    return _id(identity) + length + body


def _id(identity: int) -> bytes:
    return identity.to_bytes((identity.bit_length() + 7) // 8, "big")


def _number(identity: int, value: int) -> bytes:
    return _element(identity, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def header() -> bytes:
    """Begin a stream: one Opus track, times in ms."""
    kind = _element(0x4282, b"webm") + _number(0x4287, 4) + _number(0x4285, 2)
    limits = _number(0x4286, 1) + _number(0x42F7, 1) + _number(0x42F2, 4) + _number(0x42F3, 8)
    info = _number(0x2AD7B1, 1_000_000) + _element(0x4D80, b"Legato") + _element(0x5741, b"Legato")
    audio = _element(0xB5, struct.pack(">d", 48_000.0)) + _number(0x9F, 2)
    track = (
        _number(0xD7, 1)
        + _number(0x73C5, 1)
        + _number(0x83, 2)
        + _element(0x86, b"A_OPUS")
        + _number(0x56AA, _PRE_SKIP_NS)
        + _number(0x56BB, _SEEK_PREROLL_NS)
        + _element(0x63A2, _OPUS_HEAD)
        + _element(0xE1, audio)
    )
    segment = _id(0x18538067) + _UNKNOWN
    tracks = _element(0x1654AE6B, _element(0xAE, track))
    return _element(0x1A45DFA3, limits + kind) + segment + _element(0x1549A966, info) + tracks


class Writer:
    """Writes packets of 20 ms, one after another."""

    def __init__(self) -> None:
        self.milliseconds = 0
        """Of sound written so far."""
        self._cluster: int | None = None

    def packet(self, payload: bytes) -> bytes:
        """Write the next packet, opening a cluster when it is time."""
        at, opening = self.milliseconds, b""
        if self._cluster is None or at - self._cluster >= CLUSTER_MS:
            self._cluster = at
            opening = _id(0x1F43B675) + _UNKNOWN + _number(0xE7, at)
        block = b"\x81" + struct.pack(">h", at - self._cluster) + b"\x80" + payload
        self.milliseconds += 20
        return opening + _element(0xA3, block)
