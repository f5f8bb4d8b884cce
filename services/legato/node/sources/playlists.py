"""Playlists of links, M3U and PLS, to their entries. Pure; a playlist is never given to FFmpeg."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from legato.node.errors import MediaError

LONGEST = 256 * 1024
"""Bytes of a playlist that are read."""

_EXTINF = re.compile(r"#EXTINF:\s*(-?[\d.]+)[^,]*,?(.*)", re.IGNORECASE)
_PLS = re.compile(r"\s*(File|Title|Length)(\d+)\s*=\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One link; `length` in ms if the playlist tells it."""

    link: str
    title: str = ""
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """A playlist's name and links."""

    name: str
    entries: tuple[Entry, ...]


def kind(head: bytes, content_type: str, link: str) -> str | None:
    """Recognise a playlist by its first bytes, its content type or its name."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    path = link.partition("?")[0].lower()
    if start.startswith(b"#EXTM3U"):
        return "m3u"
    if start[:10].lower() == b"[playlist]":
        return "pls"
    if not _is_text(head):
        return None
    if "mpegurl" in content_type or path.endswith((".m3u", ".m3u8")):
        return "m3u"
    if content_type == "audio/x-scpls" or path.endswith(".pls"):
        return "pls"
    return None


def parse(kind: str, text: str, base: str, *, most: int) -> Links:
    """Read a playlist; raises MediaError for one that describes a live stream's segments."""
    lines = text.lstrip("\ufeff").splitlines()
    if any(line.startswith("#EXT-X-") for line in lines) and kind == "m3u":
        raise MediaError("HLS streams are not supported.", "common", "a playlist of segments")
    entries = _m3u(lines) if kind == "m3u" else _pls(lines)
    links = tuple(
        Entry(urljoin(base, entry.link), entry.title, entry.length) for entry in entries[:most]
    )
    return Links(
        _name(lines, base), tuple(e for e in links if e.link.startswith(("http:", "https:")))
    )


def _m3u(lines: list[str]) -> list[Entry]:
    entries, title, length = [], "", None
    for line in map(str.strip, lines):
        described = _EXTINF.match(line)
        if described:
            length, title = _milliseconds(described[1]), described[2].strip()
        elif line and not line.startswith("#"):
            entries.append(Entry(line, title, length))
            title, length = "", None
    return entries


def _pls(lines: list[str]) -> list[Entry]:
    fields: dict[int, dict[str, str]] = {}
    for line in lines:
        found = _PLS.match(line)
        if found:
            fields.setdefault(int(found[2]), {})[found[1].lower()] = found[3].strip()
    return [
        Entry(each["file"], each.get("title", ""), _milliseconds(each.get("length", "")))
        for _, each in sorted(fields.items())
        if each.get("file")
    ]


def _milliseconds(seconds: str) -> int | None:
    try:
        value = float(seconds)
    except ValueError:
        return None
    return int(value * 1000) if 0 < value < 1e9 else None


def _name(lines: list[str], base: str) -> str:
    for line in lines:
        if line.upper().startswith("#PLAYLIST:"):
            return line.partition(":")[2].strip()
    return base.partition("?")[0].rstrip("/").rpartition("/")[2] or base


def _is_text(head: bytes) -> bool:
    return b"\0" not in head
