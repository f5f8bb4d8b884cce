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
    return _elementary(head)


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
