"""A command's way into its partition's inbox: in order for each guild, through outages of Redis.

What was never sent may be refused. What was sent, though its answer got lost, may stand in the
inbox: only the owner of the partition can tell then whether it was in time, so it is sent until
that is sure (who reads it drops repeats by id, and answers "too late" by itself).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from legato.clock import ServerClock
from legato.errors import Unavailable
from legato.gateway.lanes import Lanes
from legato.gateway.reach import Reach

_PATIENCE = 1.5
"""Seconds that a check may take, the name server's 0.6 with it; then Redis is out of reach."""

TOO_LATE, BUSY = "too_late", "busy"
"""Of text.REFUSALS."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One command on its way."""

    guild_id: int
    expires_at: int
    """Server ms."""
    put_off: Callable[[], None]
    """Tell its asker at once that it takes a while."""
    check: Callable[[], Awaitable[str | None]]
    """Find a reason to refuse it. Raises Unavailable."""
    send: Callable[[], Awaitable[None]]
    """Raises Unavailable, after which it may have been sent."""


class Passage:
    """The commands of this process that are on their way."""

    def __init__(self, reach: Reach, clock: ServerClock, *, most: int) -> None:
        self._reach = reach
        self._clock = clock
        self._most = most
        self._lanes = Lanes()
        self.underway = 0

    async def take(self, trip: Trip) -> str | None:
        """Bring a command there; return why it was refused, None once it surely is there."""
        if self.underway >= self._most:
            return BUSY
        if self._reach.is_away:
            trip.put_off()
        self.underway += 1
        try:
            return await self._go(trip)
        finally:
            self.underway -= 1

    async def _go(self, trip: Trip) -> str | None:
        left = (trip.expires_at - self._clock.now()) / 1000
        if left <= 0:
            return TOO_LATE
        try:
            async with asyncio.timeout(left) as limit, self._lanes.enter(trip.guild_id):
                reason = await self._check(trip)
                if reason is None:
                    limit.reschedule(None)
                    await self._send(trip)
                return reason
        except TimeoutError:
            return TOO_LATE

    async def _check(self, trip: Trip) -> str | None:
        while True:
            if self._reach.is_away:
                trip.put_off()
                await self._reach.back()
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await trip.check()
            except (Unavailable, TimeoutError) as error:
                self._reach.lose(str(error) or type(error).__name__)

    async def _send(self, trip: Trip) -> None:
        while True:
            try:
                await trip.send()
            except Unavailable as error:
                self._reach.lose(str(error))
                trip.put_off()
                await self._reach.back()
            else:
                return
