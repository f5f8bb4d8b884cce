"""Which container a file is, from its first bytes; the only ones that the node opens. Pure."""

from dataclasses import dataclass, field

NEEDED = 16
"""Bytes to look at, at least."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container under its two names."""

    demuxer: str
    """FFmpeg's."""
    probe: str
    """lavaplayer's, as tracks carry it."""
    needs_seek: bool = False
    """Whether its index may stand at the end."""
    options: dict[str, str] = field(default_factory=dict)
    """What FFmpeg's demuxer is told."""


OGG = Container("ogg", "ogg")
MATROSKA = Container("matroska", "matroska/webm")
MP3 = Container("mp3", "mp3")
FLAC = Container("flac", "flac")
# FFmpeg would read a megabyte of samples to see whether they are DTS in disguise.
WAV = Container("wav", "wav", options={"probesize": "16384", "max_probe_packets": "1"})
MP4 = Container("mov", "mp4", needs_seek=True)
AAC = Container("aac", "adts")


def sniff(head: bytes) -> Container | None:
    """Recognise a container; `head` begins after any ID3 tag or with it."""
    if head.startswith(b"OggS"):
        return OGG
    if head.startswith(b"\x1aE\xdf\xa3"):
        return MATROSKA
    if head.startswith(b"fLaC"):
        return FLAC
    if head.startswith((b"RIFF", b"RF64")) and head[8:12] == b"WAVE":
        return WAV
    if head[4:8] == b"ftyp":
        return MP4
    # A tag's picture may hold what looks like frames.
    return _elementary(head) or (None if tag_length(head) else _joined(head))


def tag_length(head: bytes) -> int:
    """Length of the ID3 tag at the beginning, 0 without one; its size has seven bits a byte."""
    if not head.startswith(b"ID3") or len(head) < 10 or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _elementary(head: bytes) -> Container | None:
    """Tell MPEG audio from ADTS by the layer bits after the 11 or 12 sync bits."""
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return AAC
    return MP3 if head[1] & 0x06 else None


KILOBITS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
"""Bit rates of MPEG audio's third layer by version: 1, and 2 and 2.5."""
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def _joined(head: bytes) -> Container | None:
    """Find frames in a broadcast, which is joined at any byte: two in a row that fit together."""
    at = head.find(b"\xff")
    while at >= 0:
        kind, size = _frame(head[at : at + NEEDED])
        if kind is not None and _frame(head[at + size : at + size + NEEDED])[0] is kind:
            return kind
        at = head.find(b"\xff", at + 1)
    return None


def _frame(data: bytes) -> tuple[Container | None, int]:
    """Read one frame's header: what it belongs to, and its length in bytes."""
    kind = _elementary(data)
    if kind is None or len(data) < NEEDED:
        return None, 0
    if kind is AAC:
        size = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5
        return (AAC, size) if size > 7 else (None, 0)
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    rate = data[2] >> 2 & 3
    if layer != 1 or version == 1 or rate == 3:
        return None, 0
    kilobits = KILOBITS[3 if version == 3 else 2][data[2] >> 4]
    factor = 144_000 if version == 3 else 72_000
    size = factor * kilobits // RATES[version][rate] + (data[2] >> 1 & 1)
    return (MP3, size) if kilobits else (None, 0)
