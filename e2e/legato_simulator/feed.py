"""The stream of what happens in the world, for pages and waiting tests. It knows no HTTP."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from msgspec import Struct

from legato_simulator.json_values import Json


class Happening(Struct, frozen=True, kw_only=True):
    """One change of the world."""

    id: int
    type: str
    data: Json
    at: float
    """Monotonic seconds of the simulator's machine."""


class Feed:
    """Keeps the latest happenings and wakes everyone who follows them."""

    def __init__(self, keep: int = 10_000) -> None:
        self._kept: deque[Happening] = deque(maxlen=keep)
        self._last = 0
        self._changed = asyncio.Event()

    def publish(self, kind: str, data: Json, at: float) -> None:
        """Tell everyone."""
        self._last += 1
        self._kept.append(Happening(id=self._last, type=kind, data=data, at=at))
        self.wake()

    def wake(self) -> None:
        """Let everyone who waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def last(self) -> int:
        """The id of the latest happening."""
        return self._last

    def since(self, last: int) -> list[Happening]:
        """List what happened after an id, as far as it is kept."""
        if last >= self._last or not self._kept:
            return []
        skipped = max(0, last + 1 - self._kept[0].id)
        return list(self._kept)[skipped:]

    async def changed(self) -> None:
        """Wait for the next change."""
        await self._changed.wait()

    async def follow(self, last: int) -> AsyncIterator[Happening]:
        """Yield what happened after an id, and then what happens."""
        while True:
            changed = self._changed
            news = self.since(last)
            for happening in news:
                last = happening.id
                yield happening
            if not news:
                await changed.wait()
