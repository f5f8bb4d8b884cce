"""Whether a voice server answers, and how soon: asked before a node is sent there.

A node's thread that is sent to a dead endpoint stays blocked for ever, and sixteen of them block
the node (ownership.md, 6). Nothing is said to the server but greetings: TLS's, and a websocket's.
"""

import asyncio
import ssl
from collections import deque
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import aiohttp

from legato.errors import Unavailable

TIMEOUT = timedelta(seconds=2)
FRESH = timedelta(seconds=30)
SURELY = 0.75
"""Of the time until a voice server greeted us, what it surely takes to greet a node."""
KEPT = 4
"""Take-overs remembered of a voice server; the fastest counts, for what is skipped is lost."""
MOST = 256


class Endpoints:
    """Remembers for a moment which voice servers answered, and how soon they take a new caller."""

    def __init__(self, *, timeout: timedelta = TIMEOUT) -> None:
        self._timeout = timeout
        self._good: dict[str, float] = {}
        self._bad: dict[str, float] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._took: dict[str, deque[float]] = {}
        self._tls = _greeting()

    async def check(self, endpoint: str) -> None:
        """Connect by TCP and TLS; Unavailable where that fails. Many who ask at once ask once."""
        began = _now()
        async with self._locks.setdefault(endpoint, asyncio.Lock()):
            if _now() - self._good.get(endpoint, -1e9) < FRESH.total_seconds():
                return
            if endpoint in self._bad and self._bad[endpoint] >= began:
                raise Unavailable("voice server", "it did not answer another either")
            await self._greet(endpoint)

    async def _greet(self, endpoint: str) -> None:
        place = urlsplit(f"//{endpoint}")
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                _, writer = await asyncio.open_connection(
                    place.hostname, place.port or 443, ssl=self._tls
                )
        except (OSError, TimeoutError, ValueError) as error:
            self._bad[endpoint] = _now()
            _trim(self._bad)
            raise Unavailable("voice server", type(error).__name__) from error
        writer.transport.abort()
        self._good.pop(endpoint, None)
        self._good[endpoint] = _now()
        _trim(self._good)

    def doubt(self, endpoint: str) -> None:
        """Ask it again before a node is sent there: a connection there has ended."""
        self._good.pop(endpoint, None)

    def takes(self, endpoint: str) -> float:
        """Say the seconds from a node's being sent there until an older connection ends, at least.

        Where nothing is known of a server a move costs a little more silence.
        """
        return min(self._took.get(endpoint, (0.0,)))

    async def learn(self, endpoint: str) -> None:
        """Where no take-over has told, see how soon it greets: it ends an older connection next.

        One that closes, or says something else than its Hello, is not counted on.
        """
        if endpoint in self._took:
            return
        with suppress(
            aiohttp.ClientError, aiohttp.WSMessageTypeError, OSError, TimeoutError, ValueError
        ):
            async with asyncio.timeout(self._timeout.total_seconds()):
                self.took(endpoint, SURELY * await self._greeted(endpoint))

    async def _greeted(self, endpoint: str) -> float:
        """Say the seconds until its Hello."""
        began = _now()
        async with aiohttp.ClientSession() as http:
            socket = await http.ws_connect(f"wss://{endpoint}/?v=8", ssl=self._tls, autoclose=False)
            await socket.receive_str()
            return _now() - began

    def took(self, endpoint: str, seconds: float) -> None:
        """Learn from a take-over."""
        kept = self._took.pop(endpoint, None) or deque(maxlen=KEPT)
        kept.append(max(0.0, seconds))
        self._took[endpoint] = kept
        _trim(self._took)


def _trim(kept: dict[str, float] | dict[str, deque[float]]) -> None:
    """Let the oldest go."""
    while len(kept) > MOST:
        del kept[next(iter(kept))]


def _now() -> float:
    return asyncio.get_running_loop().time()


def _greeting() -> ssl.SSLContext:
    """Accept any certificate: whom to trust is the node's to decide, it holds the credentials."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
