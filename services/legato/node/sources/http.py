"""Reads a file over HTTP as FFmpeg wants it: read, seek, tell; every address is checked and pinned.

It blocks, and is used by one media thread at a time; `close` may come from another and wakes it.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin

from legato.node.errors import Cancelled, MediaError, NotFound
from legato.node.settings import MediaSettings
from legato.node.sources import addresses, answers, names
from legato.node.sources.answers import Answer, Station

HEAD = 256 * 1024
"""Bytes of the beginning that are kept: probing reads them more than once."""

BACK = 32 * 1024
"""A jump asks from so far before its place on: who looks for a moment goes back in small steps."""

STREAMS = 2
"""Answers kept open: FFmpeg looks at a file's end and comes back."""

RETRIES = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one reading may go."""

    deadline: float | None = None
    """Monotonic time at which it gives up."""
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a file before it is asked for: its first bytes, and what it is."""

    data: bytes
    length: int
    content_type: str


class HttpReader:
    """A file or stream behind a link."""

    def __init__(
        self,
        link: str,
        settings: MediaSettings,
        *,
        resolve: Resolve | None = None,
        known: Known | None = None,
    ) -> None:
        self.link = link
        self.limits = Limits()
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext
        """Entered by the thread that reads while it waits for the network."""
        self.length: int | None = None
        self.seekable_by_range = False
        self.content_type = ""
        self.station: Station | None = None
        """Who broadcasts, where that is what the link leads to."""
        self.bytes_read = 0
        self._settings = settings
        self._resolve = resolve or self._look_up
        self._target: addresses.Target | None = None
        self._at = 0
        self._head = bytearray()
        self._streams: list[Answer] = []
        self._known = known
        self._ahead: threading.Thread | None = None
        """Asks for what follows the bytes that are known."""
        self._gone: NotFound | None = None
        """Why the bytes that are known are not to be played either."""
        self._closing = threading.Lock()
        self._closed = False
        self._failed = False

    def open(self, *, onward: bool = True) -> None:
        """Ask for the file, which will be read `onward` or elsewhere; raises MediaError."""
        if self._known is not None:
            self._begin(self._known, onward)
            return
        with self.waiting():
            stream = self._request(0)
        response = stream.response
        self.content_type = answers.content_type(response)
        self.station = answers.station(response)
        if self.station is None:
            # Some stations tell a length, which means nothing.
            self._measure(response)
        self._streams.append(stream)

    def _measure(self, response: http.client.HTTPResponse) -> None:
        """Read a file's length, and whether any place of it can be asked for."""
        if response.status == 206:
            self.length = answers.total(response.getheader("Content-Range"))
            self.seekable_by_range = self.length is not None
        elif response.length is not None:
            self.length = response.length

    def beginning(self, size: int) -> Known | None:
        """Give the first bytes, reading on as far as needed; None where it can't be read on."""
        if self.length is None or not self.seekable_by_range:
            return None
        self._at = len(self._head)
        with suppress(MediaError):
            while self._at < size and self.read(size - self._at):
                continue
        return Known(bytes(self._head[:size]), self.length, self.content_type)

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; nothing at the end. Raises MediaError, once."""
        if self._failed:
            # FFmpeg reads on before it passes an error up, and would print a second one.
            return b""
        try:
            return self._read(size)
        except MediaError:
            self._failed = True
            raise

    def _read(self, size: int) -> bytes:
        self._check()
        if self.length is not None:
            size = min(size, self.length - self._at)
        if size <= 0:
            return b""
        if self._at < len(self._head):
            data = bytes(self._head[self._at : self._at + size])
        else:
            data = self._fetch(size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move; FFmpeg's fourth way (65536) asks for the size."""
        if whence == 65536:
            return -1 if self.length is None else self.length
        base = {0: 0, 1: self._at, 2: self.length or 0}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Say where the next byte comes from."""
        return self._at

    def close(self) -> None:
        """Give up, from any thread; a read that waits ends with Cancelled."""
        with self._closing:
            self._closed = True
        for stream in list(self._streams):
            stream.wake()

    def release(self) -> None:
        """Let go of every connection; for the thread that reads, when it reads no more."""
        self.close()
        for stream in list(self._streams):
            self._drop(stream)

    def _begin(self, known: Known, onward: bool) -> None:
        """Begin with what is known, and ask for the rest meanwhile."""
        self._head += known.data
        self.length, self.content_type = known.length, known.content_type
        self.seekable_by_range = True
        if onward and len(known.data) < known.length:
            self._ahead = threading.Thread(target=self._ask_ahead, daemon=True)
            self._ahead.start()

    def _ask_ahead(self) -> None:
        try:
            stream = self._request(len(self._head))
        except NotFound as error:
            self._gone = error
            return
        except MediaError:
            # Whoever needs the rest asks again, and says what is wrong.
            return
        with self._closing:
            if not self._closed:
                self._streams.append(stream)
                return
        stream.close()

    def _check(self) -> None:
        if self._gone is not None:
            raise self._gone
        if self._closed:
            raise Cancelled("closed")
        limits = self.limits
        if limits.deadline is not None and time.monotonic() > limits.deadline:
            raise MediaError("The server is too slow.", "suspicious", "the time to load is over")
        if limits.bytes is not None and self.bytes_read > limits.bytes:
            raise MediaError("Unknown file format.", "common", "too much had to be read to know it")

    def _fetch(self, size: int) -> bytes:
        """Read from the network at the current place, asking again when an answer breaks off."""
        cause = "the answer ended too early"
        for attempt in range(RETRIES):
            stream = self._stream(back=0 if attempt else BACK)
            try:
                data = self._receive(stream, size)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._check()
                cause = str(error) or type(error).__name__
                data = b""
            if data:
                return data
            self._drop(stream)
            if self.length is None:
                if cause.startswith("the answer"):
                    return b""
                break
            if not self.seekable_by_range:
                break
        raise MediaError("The server stopped sending.", "suspicious", cause)

    def _receive(self, stream: Answer, size: int) -> bytes:
        """Take what has come, keep the beginning, skip up to the current place."""
        while True:
            self._check()
            if self._at < stream.offset:
                return stream.again(self._at, size)
            skip = self._at - stream.offset
            with self.waiting():
                data = stream.response.read1(min(skip, 65536) if skip else size)
            self.bytes_read += len(data)
            if stream.offset == len(self._head) < HEAD:
                self._head += data[: HEAD - len(self._head)]
            stream.took(data)
            if not skip or not data:
                return data

    def _stream(self, back: int) -> Answer:
        """Find an open answer that reaches the current place soon, or ask for it."""
        if self._ahead is not None:
            with self.waiting():
                self._ahead.join()
            self._ahead = None
            self._check()
        for stream in self._streams:
            if stream.reaches(self._at):
                return stream
        if not self.seekable_by_range and self._at:
            raise MediaError("The file can't be sought in.", "common", "no Range requests")
        if len(self._streams) >= STREAMS:
            self._drop(min(self._streams, key=lambda each: each.offset))
        with self.waiting():
            stream = self._request(max(0, self._at - back))
        self._streams.append(stream)
        return stream

    def _drop(self, stream: Answer) -> None:
        stream.close()
        if stream in self._streams:
            self._streams.remove(stream)

    def _request(self, offset: int) -> Answer:
        """Ask from an offset on, following redirects; raises MediaError."""
        link = self.link
        for _ in range(self._settings.max_redirects + 1):
            target = self._target or addresses.parse(link)
            try:
                stream = self._ask(target, offset)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._check()
                raise _unasked(error) from error
            response = stream.response
            location = response.getheader("Location")
            if response.status in REDIRECTS and location:
                stream.close()
                link = urljoin(link, location)
                self._target = None
                continue
            self._accept(stream, offset)
            self._target = target
            return stream
        raise MediaError("That URL is not playable.", "common", "too many redirects")

    def _accept(self, stream: Answer, offset: int) -> None:
        """Refuse an answer that is not the bytes asked for."""
        status = stream.response.status
        if status in {200, 206}:
            span = stream.response.getheader("Content-Range")
            start = answers.first(span) if status == 206 else 0
            if self._known is not None and answers.total(span) != self._known.length:
                stream.close()
                raise NotFound("The file has changed.", "suspicious", "another length than loaded")
            if start == offset:
                return
            stream.close()
            raise MediaError("The file can't be sought in.", "suspicious", "Range is not honoured")
        stream.close()
        self._target = None
        if status in {404, 410}:
            raise NotFound("Nothing is there.", "common", f"Status code {status}")
        raise MediaError("That URL is not playable.", "common", f"Status code {status}")

    def _ask(self, target: addresses.Target, offset: int) -> Answer:
        timeout = self._settings.connect_timeout
        found = self._resolve(target.host, target.port)
        address = addresses.check(target, found, self._settings.allowed_private)
        self._check()
        connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout)
        sock = socket.create_connection((address, target.port), timeout)
        try:
            if target.scheme == "https":
                sock = _authorities().wrap_socket(sock, server_hostname=target.host)
            sock.settimeout(self._settings.read_timeout)
            connection.sock = sock
            connection.response_class = answers.Response
            connection.request("GET", target.path, headers=self._headers(target, offset))
            return Answer(sock, connection.getresponse(), offset)
        except BaseException:
            sock.close()
            raise

    def _headers(self, target: addresses.Target, offset: int) -> dict[str, str]:
        return {
            "Host": target.authority,
            "User-Agent": self._settings.user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "Range": f"bytes={offset}-",
        }

    def _look_up(self, host: str, port: int) -> list[str]:
        return names.resolve(host, port, timeout=self._settings.connect_timeout)


@cache
def _authorities() -> ssl.SSLContext:
    """Read whom to trust once: it takes 15 ms of a core, more than a whole load."""
    return ssl.create_default_context()


def _unasked(error: Exception) -> MediaError:
    """Say why there is no answer; the words for most of it are Lavalink's, which clients know."""
    cause = str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        return MediaError("The server did not answer in time.", "suspicious", cause)
    return MediaError("Connecting to the URL failed.", "suspicious", cause)
