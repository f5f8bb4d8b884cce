"""Discord's global limit on requests, in a line: who waits longest goes first.

Only the first of the line asks Redis: two hundred panels that each asked again and again left no
time for answers. While Redis is away the line goes on at a pace that a few gateways may have side
by side; let through at once, it would be an attack on Discord.
"""

import asyncio
from datetime import timedelta
from typing import Protocol

from legato.errors import Unavailable
from legato.limits import DISCORD_GLOBAL, Policy

ALONE = timedelta(milliseconds=100)
"""Between two requests while nobody knows what other gateways send."""
AGAIN = timedelta(seconds=1)
"""Before Redis is asked again once it was away: each question may take its whole time-out."""


class Limits(Protocol):
    """The buckets that all our processes share."""

    async def wait(self, policy: Policy) -> None:
        """Take one token, however long that takes. Raises Unavailable."""


class Pacer:
    """One process's line; without limits (before the bot is known) it lets pass."""

    def __init__(self) -> None:
        self.limits: Limits | None = None
        self._line = asyncio.Lock()
        self._away_until = 0.0

    async def wait(self) -> None:
        """Return when one more request may go."""
        if self.limits is None:
            return
        async with self._line:
            await self._take(self.limits)

    async def _take(self, limits: Limits) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._away_until:
            try:
                await limits.wait(DISCORD_GLOBAL)
            except Unavailable:
                self._away_until = loop.time() + AGAIN.total_seconds()
            else:
                return
        await asyncio.sleep(ALONE.total_seconds())
