"""Discord's global limit on requests, in a line: who waits longest goes first.

The line asks Redis, not each who waits: two hundred panels that each asked again and again left no
time for answers. One question is for a few at once, and where answers come late, more are under
way. While Redis is away the line goes on at its gateway's share of a pace that all have together;
let through at once, it would be an attack on Discord.

Where Discord refuses all the same, nobody goes until the time that it names is over: neither here,
nor in other gateways, which the shared bucket tells. Then the refused go first.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from legato import telemetry
from legato.errors import Unavailable
from legato.limits import DISCORD_GLOBAL, Policy

ALONE = timedelta(milliseconds=50)
"""Between two requests of all gateways while nobody knows what others send.

With what those send that still reach Redis they are 50 a second: what Discord allows.
"""
AGAIN = timedelta(seconds=1)
"""Before Redis is asked again once it was away: each question may take its whole time-out."""
ASK_EVERY = 0.1
"""Seconds between questions that are under way at once."""
MOST_ASKING = 5
_log = telemetry.logger(__name__)


class Limits(Protocol):
    """The buckets that all our processes share."""

    async def take_some(self, policy: Policy, most: int) -> tuple[int, timedelta]:
        """Take up to `most` tokens; how many, and how long to wait for one. Raises Unavailable."""

    async def hold(self, policy: Policy, duration: timedelta) -> None:
        """Give nobody a token for a while. Raises Unavailable."""


class Pacer:
    """One process's line; without limits (before the bot is known) it lets pass."""

    def __init__(self) -> None:
        self.limits: Limits | None = None
        self.gateways: Callable[[], int] = lambda: 1
        """How many gateways there are, as last heard."""
        self._line: deque[asyncio.Future[None]] = deque()
        self._asking = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._one_alone = asyncio.Lock()
        self._away_until = 0.0
        self._held_until = 0.0
        self._took = 0.0

    async def wait(self, *, again: bool = False) -> None:
        """Return when one more request may go; one that Discord refused waits in front."""
        if self.limits is None:
            await self._outlast_hold()
            return
        turn = asyncio.get_running_loop().create_future()
        if again:
            self._line.appendleft(turn)
        else:
            self._line.append(turn)
        self._ask(self.limits)
        try:
            await turn
        finally:
            if turn in self._line:
                self._line.remove(turn)

    async def hold(self, duration: timedelta) -> None:
        """Let nobody pass for a while: Discord refuses whatever comes from the whole bot."""
        until = asyncio.get_running_loop().time() + duration.total_seconds()
        if not self._is_held:
            _log.warning("discord slows the whole bot down", seconds=duration.total_seconds())
        self._held_until = max(self._held_until, until)
        if self.limits is None:
            return
        try:
            await self.limits.hold(DISCORD_GLOBAL, duration)
        except Unavailable:
            return  # the others learn it from Discord

    @property
    def _is_held(self) -> bool:
        return asyncio.get_running_loop().time() < self._held_until

    async def _outlast_hold(self) -> None:
        left = self._held_until - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    def _ask(self, limits: Limits) -> None:
        """Have as many questions under way as the line needs, and the time of an answer."""
        needed = math.ceil(len(self._line) / DISCORD_GLOBAL.capacity)
        at_once = min(needed, MOST_ASKING, 1 + int(self._took / ASK_EVERY))
        while self._asking < at_once:
            self._asking += 1
            task = asyncio.create_task(self._serve(limits))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, limits: Limits) -> None:
        """Let pass until nobody waits; a token that nobody needs any more lapses."""
        try:
            while self._line:
                await self._outlast_hold()
                allowed = await self._allowed(limits)
                for _ in range(0 if self._is_held else allowed):
                    self._let_one_pass()
                self._ask(limits)
        except Exception as error:  # an edge: told to everybody who waits
            for turn in self._line:
                if not turn.done():
                    turn.set_exception(error)
        finally:
            self._asking -= 1

    def _let_one_pass(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def _allowed(self, limits: Limits) -> int:
        """Wait a while, and say how many may go by then."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if began < self._away_until:
            return await self._alone()
        try:
            most = min(len(self._line), DISCORD_GLOBAL.capacity)
            allowed, delay = await limits.take_some(DISCORD_GLOBAL, most)
        except Unavailable:
            self._away_until = loop.time() + AGAIN.total_seconds()
            return await self._alone()
        self._took = loop.time() - began
        if not allowed:
            # Two at a time, where two wait: half the questions, at the same pace.
            second = DISCORD_GLOBAL.per / DISCORD_GLOBAL.capacity if most > 1 else timedelta(0)
            await asyncio.sleep((delay + second).total_seconds())
        return allowed

    async def _alone(self) -> int:
        """Wait for this gateway's next turn among all."""
        async with self._one_alone:
            await asyncio.sleep(ALONE.total_seconds() * max(1, self.gateways()))
        return 1
