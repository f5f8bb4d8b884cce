"""What waits to be sent on a websocket, in order and over its resumes; knows no protocol."""

import asyncio
from collections import deque
from contextlib import suppress

import aiohttp


class Outbox:
    """Messages of one connection; each is forgotten when a websocket has taken it."""

    def __init__(self) -> None:
        self._waiting: deque[str | bytes] = deque()
        self._changed = asyncio.Event()

    def put(self, message: str | bytes) -> None:
        """Send it next; what waits already is not sent twice."""
        if message not in self._waiting:
            self._waiting.append(message)
            self._changed.set()

    async def deliver(self, end: aiohttp.ClientWebSocketResponse) -> None:
        """Send what waits and what comes, until the websocket breaks or this is cancelled."""
        with suppress(OSError, aiohttp.ClientError):
            while True:
                self._changed.clear()
                while self._waiting:
                    await _send(end, self._waiting[0])
                    self._waiting.popleft()
                await self._changed.wait()


async def _send(end: aiohttp.ClientWebSocketResponse, message: str | bytes) -> None:
    if isinstance(message, str):
        await end.send_str(message)
    else:
        await end.send_bytes(message)
