"""Guilds that play on a running platform, and what is heard of each while something happens."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.measured import percentile
from legato_machine.conditions import NeverHappened, until
from legato_machine.machine import Machine
from legato_machine.room import Room
from legato_simulator.dave.policy import Policy
from legato_simulator.listener import Report

AFTER = 1.5
"""Seconds that are listened on when a fault is over."""
MOST = 45.0
"""Seconds that one fault may take to be over."""
Act = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard while one thing happened, of all guilds, in ms."""

    cause: str
    longest: float
    p99: float
    control_longest: float
    control_p99: float
    breaks: int
    seconds: float
    late: str = ""
    """What did not come about in time, where the fault was not over."""


@dataclass(frozen=True, slots=True)
class Move:
    """What was heard of one player's move to another node, in ms."""

    gap: float
    skipped: float
    repeated: float


@dataclass(frozen=True, slots=True)
class Listening:
    """Guilds that play, and who hears them."""

    machine: Machine
    rooms: Sequence[Room]

    @classmethod
    async def begin(cls, machine: Machine, rooms: int) -> "Listening":
        """Let them play."""
        await machine.voice.voice_control_start()
        await machine.make("tone-7-600s.ogg")
        found = [await machine.room(f"listens {number}") for number in range(rooms)]
        listening = cls(machine, found)
        await listening._play()
        await machine.fleet.balanced("audio", 2)
        return listening

    async def go_far(self, region: str) -> None:
        """Leave, and join anew on a voice server of which nothing is known yet."""
        await self.machine.voice.voice_region(region)
        for room in self.rooms:
            await room.type("leave")
            await self.machine.voice.voice_place(room.guild_id, region)
        await self._play()

    async def demand(self, policy: Policy) -> None:
        """Change what encryption voice demands, and wait until every call follows."""
        await self.machine.voice.voice_demand(policy)
        version = 0 if policy is Policy.OFF else 1

        async def followed() -> bool:
            calls = [
                await self.machine.voice.voice_encryption(room.guild_id) for room in self.rooms
            ]
            each = [call for found in calls for call in found]
            return all(call.version == version and not call.changing for call in each)

        await until(followed, what=f"calls with encryption {policy.value}", timeout=MOST)

    async def _play(self) -> None:
        """Let every guild hear its track for a second."""
        await asyncio.gather(*(room.play("tone-7-600s.ogg") for room in self.rooms))
        for room in self.rooms:
            await room.hears(7, after=1000)

    async def hear(self, cause: str, act: Act) -> Heard:
        """Bring a fault about, and listen until it is over and a little longer."""
        began, late = time.monotonic(), ""
        try:
            async with asyncio.timeout(MOST):
                await act()
        except (NeverHappened, TimeoutError) as error:
            late = str(error) or f"not over within {MOST:.0f} s"
        seconds = time.monotonic() - began
        await asyncio.sleep(AFTER)
        reports = [await self._report(room, began) for room in self.rooms]
        control = await self.machine.voice.voice_control(since=began)
        return Heard(
            cause=cause,
            longest=max(_longest(one) for one in reports),
            p99=max(_p99(one) for one in reports),
            control_longest=_longest(control) if control else 0.0,
            control_p99=_p99(control) if control else 0.0,
            breaks=sum(one.breaks + len(one.epochs) - 1 for one in reports),
            seconds=seconds,
            late=late,
        )

    async def moves(self, node: str, act: Act) -> list[Move]:
        """Move what plays on a node, and listen to each of it."""
        sat = [room for room in self.rooms if await self.sits_on(room) == node]
        began = time.monotonic()
        await act()

        async def left() -> bool:
            return node not in [await self.sits_on(room) for room in sat]

        await until(left, what=f"{node} left by its players", timeout=MOST)
        moved = time.monotonic()
        for room in sat:
            await room.sounds(since=moved)
        await asyncio.sleep(AFTER)
        return [await self._move(room, began) for room in sat]

    async def sits_on(self, room: Room) -> str:
        """Name the node that a player sits on; empty between two."""
        player = await self.machine.fleet.player(room)
        return player.node or "" if player else ""

    async def _move(self, room: Room, began: float) -> Move:
        report = await self._report(room, began)
        analysis = (await room.moments(since=began)).analysis
        return Move(_longest(report), analysis.skipped_ms, analysis.repeated_ms)

    async def _report(self, room: Room, began: float) -> Report:
        report = await room.report(since=began)
        if report is None:
            raise RuntimeError(f"{room.guild.name} was never heard")
        return report


def gaps(moves: Sequence[Move], share: float) -> float:
    """Return the gap that this share of the moves does not exceed."""
    return percentile([one.gap for one in moves], share)


def _longest(report: Report) -> float:
    """Return the longest hole; one that has not ended counts too."""
    return max(report.longest_silence_ms, report.quiet_ms or 0.0)


def _p99(report: Report) -> float:
    return max((one.continuity.gaps.p99_ms for one in report.epochs), default=0.0)
