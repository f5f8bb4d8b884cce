"""Whether Redis is in reach, by what those who need it find; one looks for all when it is not."""

import asyncio
from collections.abc import Awaitable, Callable

from legato import telemetry
from legato.errors import Unavailable

_LOOK_AGAIN = 0.25
_BREATH = 0.05
"""Who is refused what the probe is not must not ask on and on."""

_log = telemetry.logger(__name__)


class Reach:
    """Known to be there until somebody misses it."""

    def __init__(self, probe: Callable[[], Awaitable[object]]) -> None:
        """`probe` sees whether Redis takes writes. It raises Unavailable."""
        self._probe = probe
        self._there = asyncio.Event()
        self._there.set()
        self._missed = asyncio.Event()

    @property
    def is_away(self) -> bool:
        """Say whether it was missed and not found again."""
        return not self._there.is_set()

    def lose(self, why: str) -> None:
        """Say that it did not answer, or not in time."""
        if not self.is_away:
            _log.warning("redis out of reach", why=why)
        self._there.clear()
        self._missed.set()

    async def back(self) -> None:
        """Return once it is in reach."""
        await self._there.wait()

    async def run(self) -> None:
        """Look for it whenever it is missed, until cancelled."""
        while True:
            await self._missed.wait()
            self._missed.clear()
            await self._look()
            _log.info("redis in reach again")
            self._there.set()

    async def _look(self) -> None:
        await asyncio.sleep(_BREATH)
        while True:
            if await self._answers():
                return
            await asyncio.sleep(_LOOK_AGAIN)

    async def _answers(self) -> bool:
        try:
            await self._probe()
        except Unavailable:
            return False
        return True
