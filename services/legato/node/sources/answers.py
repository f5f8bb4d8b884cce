"""One answer to a request for bytes, as far as it has been read, and what its head says."""

import http.client
import io
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

SKIP = 128 * 1024
"""A seek of no more than this reads on instead of asking anew."""

WINDOW = 64 * 1024
"""Bytes kept of what an answer gave last: to find an Ogg's length, its last page is looked for
backwards, and each step would be a request."""


@dataclass(frozen=True, slots=True)
class Station:
    """A broadcast, as Icecast and Shoutcast describe it in their headers."""

    name: str
    description: str


class Response(http.client.HTTPResponse):
    """An answer whose first line may be `ICY 200 OK`, as Shoutcast's first versions say it."""

    fp: io.BufferedReader

    def begin(self) -> None:
        """Read the head."""
        if self.fp.peek(3)[:3] == b"ICY":
            self.fp.read(3)
            self.fp = io.BufferedReader(_Joined(b"HTTP/1.0", self.fp.read1))
        super().begin()


class _Joined(io.RawIOBase):
    """Some bytes, and then what a function gives."""

    def __init__(self, first: bytes, rest: Callable[[int], bytes]) -> None:
        super().__init__()
        self._first, self._rest = first, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # Buffer: 3.12
        data, self._first = self._first or self._rest(len(buffer)), b""
        buffer[: len(data)] = data
        return len(data)


@dataclass(slots=True)
class Answer:
    """One answer being read; `offset` is that of its next byte."""

    sock: socket.socket
    response: http.client.HTTPResponse
    offset: int
    recent: bytearray = field(default_factory=bytearray)
    """What came before `offset`."""

    def reaches(self, at: int) -> bool:
        """Say whether a place can be read from it, without much that nobody wants."""
        return -len(self.recent) <= at - self.offset <= SKIP

    def again(self, at: int, size: int) -> bytes:
        """Give once more what came at a place before `offset`."""
        start = len(self.recent) - (self.offset - at)
        return bytes(self.recent[start : start + size])

    def took(self, data: bytes) -> None:
        """Count what came, and keep the last of it."""
        self.offset += len(data)
        self.recent += data
        if len(self.recent) > 2 * WINDOW:
            del self.recent[:-WINDOW]

    def wake(self) -> None:
        """End a read that waits in another thread."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection."""
        self.wake()
        with suppress(OSError):
            self.response.close()
        self.sock.close()


def content_type(response: http.client.HTTPResponse) -> str:
    """Read the kind of content, without its parameters."""
    return (response.getheader("Content-Type") or "").partition(";")[0].strip()


def station(response: http.client.HTTPResponse) -> Station | None:
    """Read what a broadcast says of itself; None for what is none."""
    told = {
        name.lower(): value
        for name, value in response.getheaders()
        if name.lower().startswith(("icy-", "ice-"))
    }
    if not told:
        return None
    # Headers come as Latin-1, names of stations as UTF-8.
    name, description = (
        told.get(each, "").encode("latin-1", "replace").decode("utf-8", "replace").strip()
        for each in ("icy-name", "icy-description")
    )
    return Station(name, description)


def total(content_range: str | None) -> int | None:
    """Read the size from `bytes 0-99/1234`."""
    told = (content_range or "").rpartition("/")[2]
    return int(told) if told.isdigit() else None


def first(content_range: str | None) -> int | None:
    """Read the first byte's place from `bytes 0-99/1234`."""
    told = (content_range or "").partition(" ")[2].partition("-")[0]
    return int(told) if told.isdigit() else None
