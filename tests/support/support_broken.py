"""Media that is broken on purpose: a corpus of files that lie about themselves, and damage."""

import functools
import random
import re
import struct
from collections.abc import Callable, Iterator

from support_media import tone

LONG = 4.0
"""Seconds of the sound files that are damaged."""


@functools.cache
def corpus() -> dict[str, bytes]:
    """Give every file that lies, by name."""
    makers = (_ogg, _webm, _mp3, _flac, _wav, _mp4, _aac)
    return {name: data for maker in makers for name, data in maker()}


def huge_title() -> bytes:
    """Say in a file of 200 bytes that its title has 1.6 GB; only where FFmpeg is bounded."""
    huge = struct.pack("<I", 0x7F0000FF)
    form = struct.pack("<IHHIIHH", 16, 1, 2, 48_000, 192_000, 4, 16)
    text = b"LIST" + huge + b"INFO" + b"INAM" + struct.pack("<I", 0x5F000000) + b"x" * 100
    return b"RIFF" + huge + b"WAVEfmt " + form + text


Named = Iterator[tuple[str, bytes]]


def _ogg() -> Named:
    whole = tone("opus.ogg", LONG)
    head = whole.index(b"OpusHead")
    changes = {
        "no-channels": (9, b"\0"),
        "255-channels": (9, b"\xff"),
        "longest-preskip": (10, b"\xff\xff"),
        "loudest-gain": (16, b"\xff\x7f"),
        "families": (18, b"\xff"),
    }
    for name, (at, new) in changes.items():
        yield f"{name}.ogg", _sealed(_put(whole, head + at, new))
    yield "no-pages-but-the-first.ogg", whole[: head + 19]
    yield "last-moment-of-time.ogg", _sealed(_each(whole, b"OggS", 6, b"\xff" * 7 + b"\x7f"))
    yield "before-time.ogg", _sealed(_each(whole, b"OggS", 6, b"\0" * 7 + b"\x80"))
    yield "other-streams.ogg", _sealed(_each(whole, b"OggS", 14, None))
    yield "all-beginnings.ogg", _sealed(_each(whole, b"OggS", 5, b"\x02"))
    yield "only-magic.ogg", b"OggS" * 50_000
    empty = (b"OggS\0\0" + bytes(8) + b"\x01\0\0\0" + bytes(9)) * 8_000
    yield "empty-pages.ogg", _sealed(empty)
    yield "unsealed.ogg", _put(whole, head + 9, b"\xff")
    yield "chained.ogg", whole + tone("opus.ogg", LONG, 3) + whole[: len(whole) // 2]


def _webm() -> Named:
    whole = tone("opus.webm", LONG)
    ebml = whole[: whole.index(b"\x18\x53\x80\x67")]
    endless = b"\x01" + b"\xff" * 7
    yield "endless-segment.webm", ebml + b"\x18\x53\x80\x67" + endless
    yield "nested.webm", ebml + (b"\x18\x53\x80\x67" + endless) * 5_000
    yield (
        "huge-element.webm",
        ebml + b"\x18\x53\x80\x67" + endless + b"\x16\x54\xae\x6b\x08\xff\xff\xff\xff",
    )
    private = whole.index(b"\x63\xa2")
    yield "huge-private-data.webm", whole[: private + 2] + b"\x08\x7f\xff\xff\xff" + whole[private:]
    yield "huge-header.webm", b"\x1aE\xdf\xa3" + endless + b"\xff" * 100_000
    yield "only-the-header.webm", ebml
    yield "clusters-alone.webm", ebml + whole[whole.index(b"\x1f\x43\xb6\x75") :]


def _mp3() -> Named:
    whole = tone("mp3", LONG)
    yield "longest-tag.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + whole
    yield "tags-alone.mp3", (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)) * 10_000
    xing = max(whole.find(b"Xing"), whole.find(b"Info"))
    yield "most-frames.mp3", _put(whole, xing + 4, b"\0\0\0\x0f" + b"\xff" * 108)
    yield "sync-alone.mp3", b"\xff\xfb" * 100_000
    yield (
        "frames-without-sound.mp3",
        b"\xff\xfb\x90\0" + bytes(413) + (b"\xff\xfb\x90\0" + bytes(414)) * 200,
    )
    yield (
        "of-three-kinds.mp3",
        whole[:20_000] + tone("aac", LONG)[:20_000] + tone("wav", LONG)[:40_000],
    )


def _flac() -> Named:
    whole = tone("flac", LONG)
    info = struct.unpack(">Q", whole[18:26])[0]
    rate = (1 << 44) - 1
    yield "no-rate.flac", _put(whole, 18, struct.pack(">Q", info & rate))
    yield "8-channels.flac", _put(whole, 18, struct.pack(">Q", info | 7 << 41))
    yield "most-samples.flac", _put(whole, 18, struct.pack(">Q", info | (1 << 36) - 1))
    yield "largest-block.flac", b"fLaC\x06\xff\xff\xff" + b"\xff" * 50_000
    yield "blocks-without-end.flac", whole[:42].replace(b"\x80", b"\0") + b"\x01\0\0\0" * 50_000
    picture = struct.pack(">IIII", 3, 0, 0, 0xFFFFFFFF) * 2
    yield (
        "huge-picture.flac",
        whole[:4] + b"\0" + whole[5:42] + b"\x86\0\0\x20" + picture + whole[42:],
    )


def _wav() -> Named:
    sound = bytes(200_000)

    def wav(
        channels: int, rate: int, bits: int, size: int, *, kind: int = 1, align: int = 4
    ) -> bytes:
        form = struct.pack(
            "<HHIIHH", kind, channels, rate, (rate * align) & 0xFFFFFFFF, align, bits
        )
        head = b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVEfmt " + struct.pack("<I", 16)
        return head + form + b"data" + struct.pack("<I", size) + sound

    yield "no-channels.wav", wav(0, 48_000, 16, len(sound))
    yield "65535-channels.wav", wav(65_535, 48_000, 16, len(sound), align=65_535)
    yield "64-channels.wav", wav(64, 48_000, 16, len(sound), align=128)
    yield "no-rate.wav", wav(2, 0, 16, len(sound))
    yield "highest-rate.wav", wav(2, 0xFFFFFFFF, 16, len(sound))
    yield "lowest-rate.wav", wav(2, 1, 16, len(sound))
    yield "no-bits.wav", wav(2, 48_000, 0, len(sound), align=0)
    yield "65535-bits.wav", wav(2, 48_000, 65_535, len(sound))
    yield "longest.wav", wav(2, 48_000, 16, 0xFFFFFFFF)
    yield "unknown-codec.wav", wav(2, 48_000, 16, len(sound), kind=0x7777)
    yield "as-mpeg.wav", wav(2, 48_000, 0, len(sound), kind=0x55)
    yield "huge-form.wav", b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\x7f" + sound
    yield "chunks-without-end.wav", b"RIFF\xff\xff\xff\xffWAVE" + b"JUNK\0\0\0\0" * 30_000


def _mp4() -> Named:
    whole = tone("m4a", LONG)
    kind = struct.pack(">I", 20) + b"ftypM4A \0\0\0\0M4A "
    yield (
        "nested.m4a",
        kind + b"".join(struct.pack(">I", 8 * n) + b"moov" for n in range(5_000, 0, -1)),
    )
    yield "longest-box.m4a", kind + b"\0\0\0\x01moov" + b"\xff" * 8 + bytes(1000)
    yield "smallest-box.m4a", kind + b"\0\0\0\x01moov\0\0\0\0\0\0\0\x01" + bytes(1000)
    for box in (b"stts", b"stsc", b"stsz", b"stco", b"stsd", b"ctts", b"elst"):
        at = whole.find(box)
        if at > 0:
            count = at + (12 if box == b"stsz" else 8)
            yield f"most-{box.decode()}.m4a", _put(whole, count, b"\x7f\xff\xff\xff")
    sizes = whole.index(b"stsz")
    yield "equal-samples.m4a", _put(whole, sizes + 8, b"\0\0\0\x01\x7f\xff\xff\xff")
    yield "largest-samples.m4a", _put(whole, sizes + 16, b"\x7f\xff\xff\xff" * 20)
    times = whole.index(b"stts")
    yield "longest-samples.m4a", _put(whole, times + 12, b"\x7f\xff\xff\xff\x7f\xff\xff\xff")
    scale = whole.index(b"mdhd")
    yield "no-time.m4a", _put(whole, scale + 16, b"\0\0\0\0")
    yield "no-index.m4a", whole.replace(b"moov", b"free")


def _aac() -> Named:
    whole = tone("aac", LONG)
    yield "sync-alone.aac", b"\xff\xf1" * 100_000
    yield "frames-of-nothing.aac", b"\xff\xf1\x4c\x80\x00\xe0\xfc" * 20_000
    yield "longest-frames.aac", (b"\xff\xf1\x4c\x83\xff\xff\xfc" + bytes(100)) * 2_000
    yield "no-channels.aac", _each(whole, b"\xff\xf1", 2, b"\x4c\x00")
    yield (
        "rates-in-turn.aac",
        bytes(
            byte ^ (at % 16 << 2 & 0x3C if whole[at - 2 : at] == b"\xff\xf1" else 0)
            for at, byte in enumerate(whole)
        ),
    )


def _put(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _sealed(data: bytes) -> bytes:
    """Give every Ogg page the checksum of what it now holds."""
    pages = re.split(rb"(?=OggS)", data)
    return b"".join(_checked(page) for page in pages)


def _checked(page: bytes) -> bytes:
    if len(page) < 27:
        return page
    bare = page[:22] + bytes(4) + page[26:]
    value = 0
    for byte in bare:
        value = value << 8 & 0xFFFFFFFF ^ OGG_SUMS[value >> 24 ^ byte]
    return bare[:22] + struct.pack("<I", value) + bare[26:]


def _sums() -> list[int]:
    """Make the table of Ogg's checksum (RFC 3533, polynomial 0x04C11DB7)."""
    found = []
    for value in range(256):
        rest = value << 24
        for _ in range(8):
            rest = rest << 1 & 0xFFFFFFFF ^ (0x04C11DB7 if rest & 1 << 31 else 0)
        found.append(rest)
    return found


OGG_SUMS = _sums()


def _each(data: bytes, mark: bytes, offset: int, new: bytes | None) -> bytes:
    """Write the same, or counted numbers, at a distance from every mark."""
    found, at, number = bytearray(data), data.find(mark), 0
    while at >= 0 and at + offset + 8 < len(found):
        value = number.to_bytes(4, "little") if new is None else new
        found[at + offset : at + offset + len(value)] = value
        at, number = data.find(mark, at + 1), number + 1
    return bytes(found)


def damaged(data: bytes, seed: int) -> bytes:
    """Damage a file in one of several ways: bytes, holes, doubles, swaps, an early end."""
    chance = random.Random(seed)
    ways: list[Callable[[bytearray, random.Random], None]] = [_flip, _hole, _double, _swap, _cut]
    found = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        chance.choice(ways)(found, chance)
    return bytes(found)


def _place(data: bytearray, chance: random.Random) -> int:
    """Choose a place, most often near the beginning, where the headers are."""
    return chance.randrange(min(len(data), chance.choice([64, 512, 4096, 1 << 30])) or 1)


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 10, 300])):
        at = _place(data, chance)
        data[at : at + 1] = bytes([chance.choice([0, 0x7F, 0x80, 0xFF, chance.randrange(256)])])


def _hole(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + chance.choice([1, 7, 100, 5000])]


def _double(data: bytearray, chance: random.Random) -> None:
    at, size = _place(data, chance), chance.choice([1, 16, 3000])
    data[at:at] = data[at : at + size] * chance.choice([1, 3])


def _swap(data: bytearray, chance: random.Random) -> None:
    one, other, size = _place(data, chance), _place(data, chance), chance.choice([4, 200, 4000])
    data[one : one + size], data[other : other + size] = (
        data[other : other + size],
        data[one : one + size],
    )


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) + 1 :]
