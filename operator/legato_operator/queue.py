"""Which resources are to be looked at, each once at a time. Knows nothing of what is seen."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

LONGEST = timedelta(minutes=2)
"""Between two tries of what fails again and again."""
FIRST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Key:
    """One resource."""

    kind: str
    namespace: str
    name: str


@dataclass
class Queue:
    """Keys that wait, without repeats."""

    waited: Callable[[float], None] = lambda _: None
    """Told how many seconds each key waited."""
    _waiting: dict[Key, float] = field(default_factory=dict)
    """Key -> since when."""
    _busy: set[Key] = field(default_factory=set)
    _failures: dict[Key, int] = field(default_factory=dict)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _timers: dict[Key, asyncio.TimerHandle] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key) -> None:
        """Have a resource looked at soon."""
        self._waiting.setdefault(key, time.monotonic())
        self._more.set()

    def add_later(self, key: Key, wait: timedelta) -> None:
        """Have it looked at after a while, unless something comes before."""
        self._forget_timer(key)
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(wait.total_seconds(), self.add, key)

    async def work(self, look: Callable[[Key], Awaitable[timedelta | None]]) -> None:
        """Look at one after the other, for ever; what `look` returns is when to look again."""
        while True:
            key = await self._next()
            self._busy.add(key)
            try:
                await self._once(key, look)
            finally:
                self._busy.discard(key)
                self._more.set()

    async def _once(self, key: Key, look: Callable[[Key], Awaitable[timedelta | None]]) -> None:
        again = await look(key)
        if again is None:
            self._forget_timer(key)
            self._failures.pop(key, None)
            return
        self.add_later(key, again)

    def failed(self, key: Key) -> timedelta:
        """Count a failure, and say how long to wait."""
        count = self._failures[key] = self._failures.get(key, 0) + 1
        return jittered(min(LONGEST, FIRST * 2 ** min(count, 10)))

    def succeeded(self, key: Key) -> None:
        """Forget its failures."""
        self._failures.pop(key, None)

    async def _next(self) -> Key:
        while True:
            for key, since in self._waiting.items():
                if key not in self._busy:
                    del self._waiting[key]
                    self._forget_timer(key)
                    self.waited(time.monotonic() - since)
                    return key
            self._more.clear()
            await self._more.wait()

    def _forget_timer(self, key: Key) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()


def jittered(wait: timedelta) -> timedelta:
    """Spread what would come at the same moment."""
    return wait * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
