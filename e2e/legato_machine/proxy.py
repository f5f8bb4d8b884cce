"""A way to a server that can be cut, swallowed or slowed: TCP on loopback. Knows no protocol.

It runs in a thread of its own, so that a busy test slows nobody down.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import socket
import struct
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeVar

from legato.embedded import ports

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

T = TypeVar("T")
State = Literal["open", "cut", "swallowing"]

BACKLOG = 512
CHUNK = 1 << 16
CHUNKS = 64
KEPT = 10_000
"""So many wait in one direction at most; then its sender waits."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing sends RST instead of FIN."""


class Proxy:
    """One listening address in front of a server; `with` opens and closes it."""

    def __init__(self, target: int, host: str = ports.LOOPBACK) -> None:
        """`target` is the port of the server."""
        self._target = target
        self._host = host
        self._bound = _bind(host, 0)
        self.port: int = self._bound.getsockname()[1]
        self._state: State = "open"
        self._delay = 0.0
        self._away_since = 0.0
        self._pairs: set[_Pair] = set()
        self.asked: collections.deque[bytes] = collections.deque(maxlen=KEPT)
        """What clients sent, chunk by chunk; the newest."""
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._do(self._listen)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Reset every connection, and listen no more."""
        self._do(self._shut)
        asyncio.run_coroutine_threadsafe(self._ended(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What befalls the way.

    def cut(self) -> None:
        """Reset every connection, and refuse new ones."""
        self._do(self._cut)

    def reset(self) -> None:
        """Reset every connection; new ones are welcome."""
        self._do(self._reset)

    def swallow(self) -> None:
        """Let every byte vanish, both ways; nothing is closed, and new connections are taken."""
        self._do(self._swallow)

    def half_open(self) -> int:
        """Let nothing more through the connections there are, not even a close; new ones pass.

        Returns how many there are.
        """
        return self._do(self._silence)

    def slow(self, each_way: timedelta) -> None:
        """Bring every byte later, both ways."""
        self._do(lambda: self._set_delay(each_way.total_seconds()))

    def restore(self) -> None:
        """Be a plain way again; connections that lost bytes are reset, as they are of no use."""
        self._do(self._restore)

    @property
    def away_for(self) -> float:
        """Say for how many seconds nothing has come through; 0 while something may."""
        return 0.0 if self._state == "open" else time.monotonic() - self._away_since

    @property
    def connections(self) -> int:
        """Count the connections there are."""
        return len(self._pairs)

    # In the thread.

    def _do(self, work: Callable[[], T]) -> T:
        done: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # an edge: the caller's thread gets it
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result(timeout=10)

    def _listen(self) -> None:
        self._bound.listen(BACKLOG)
        self._bound.setblocking(False)
        self._loop.add_reader(self._bound, self._accept)

    def _refuse(self) -> None:
        """Stop listening; the port stays ours, so that nobody else answers there."""
        self._loop.remove_reader(self._bound)
        self._bound.close()
        self._bound = _bind(self._host, self.port)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                found, _ = self._bound.accept()
                found.setblocking(False)
                pair = _Pair(self, self._loop, found)
                self._pairs.add(pair)
                pair.task = self._loop.create_task(pair.run(self._host, self._target))

    def _shut(self) -> None:
        self._loop.remove_reader(self._bound)
        self._bound.close()
        self._reset()

    async def _ended(self) -> None:
        """Wait until every connection that was reset is closed."""
        tasks = [pair.task for pair in self._pairs if pair.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _cut(self) -> None:
        if self._state != "cut":
            self._refuse()
        self._become("cut")
        self._reset()

    def _reset(self) -> None:
        for pair in list(self._pairs):
            pair.reset()

    def _swallow(self) -> None:
        if self._state == "cut":
            self._listen()
        self._become("swallowing")

    def _become(self, state: State) -> None:
        if self._state == "open":
            self._away_since = time.monotonic()
        self._state = state

    def _silence(self) -> int:
        for pair in self._pairs:
            pair.silent = True
        return len(self._pairs)

    def _set_delay(self, seconds: float) -> None:
        self._delay = seconds

    def _restore(self) -> None:
        if self._state == "cut":
            self._listen()
        self._state, self._delay = "open", 0.0
        for pair in [pair for pair in self._pairs if pair.lost]:
            pair.reset()

    # What a pair of connections asks.

    def note(self, data: bytes) -> None:
        """Remember what a client sent, whatever becomes of it."""
        self.asked.append(data)

    @property
    def swallowing(self) -> bool:
        """Say whether bytes vanish now."""
        return self._state == "swallowing"

    def due(self) -> float:
        """Say when what comes now goes on."""
        return self._loop.time() + self._delay

    def forget(self, pair: _Pair) -> None:
        """Count a pair no more."""
        self._pairs.discard(pair)


class _Pair:
    """A client's connection, and the one to the server that it is joined to."""

    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop, client: socket.socket):
        self.lost = False
        """Bytes of it vanished."""
        self.silent = False
        """All of it vanishes from now on, a close too."""
        self.task: asyncio.Task[None] | None = None
        self.proxy = proxy
        self.loop = loop
        self._client = client
        self._server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._server.setblocking(False)

    async def run(self, host: str, port: int) -> None:
        """Join the two until both have ended, or one was reset."""
        reset = True
        try:
            await self.loop.sock_connect(self._server, (host, port))
            async with asyncio.TaskGroup() as tasks:
                for pipe in (
                    _Pipe(self, self._client, self._server, note=self.proxy.note),
                    _Pipe(self, self._server, self._client),
                ):
                    tasks.create_task(pipe.read())
                    tasks.create_task(pipe.write())
            reset = False
        except* OSError:
            pass
        finally:
            self._close(reset=reset)
            self.proxy.forget(self)

    def reset(self) -> None:
        """End both with RST."""
        if self.task is not None:
            self.task.cancel()

    def _close(self, *, reset: bool) -> None:
        for each in (self._client, self._server):
            if reset:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            each.close()


class _Pipe:
    """One direction of a pair."""

    def __init__(
        self,
        pair: _Pair,
        source: socket.socket,
        drain: socket.socket,
        *,
        note: Callable[[bytes], None] | None = None,
    ) -> None:
        self._pair = pair
        self._note = note
        self._source = source
        self._drain = drain
        self._waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS)
        drain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def read(self) -> None:
        """Take bytes as they come; none: the sender has ended."""
        pair, data = self._pair, b"-"
        while data:
            data = await self._take()
            if self._note is not None:
                self._note(data)
            if pair.silent or pair.proxy.swallowing:
                pair.lost = True
            else:
                await self._waiting.put((pair.proxy.due(), data))

    async def _take(self) -> bytes:
        """Take what is there; a silent connection's reset is told as little as its end."""
        try:
            return await self._pair.loop.sock_recv(self._source, CHUNK)
        except ConnectionError:
            if self._pair.silent:
                return b""
            raise

    async def write(self) -> None:
        """Give them on in order, each when it is due."""
        loop = self._pair.loop
        while True:
            due, data = await self._waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                with contextlib.suppress(OSError):
                    self._drain.shutdown(socket.SHUT_WR)
                return
            await loop.sock_sendall(self._drain, data)


def _bind(host: str, port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((host, port))
    return found
