"""Ends one process after another, by SIGKILL and SIGTERM in turn, and starts each again."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Literal

from legato_machine import logs
from legato_machine.machine import Machine, Stage

How = Literal["SIGKILL", "SIGTERM", "by itself"]
Plan = tuple[tuple[str, How], ...]
SERVERS = frozenset({"valkey"})
STRUCK = ("gateway", "audio", "node", "valkey")
_SLIDE = (
    "warning a bucket greatly changed its slide period. "
    "It is possible that you will see a small increase in 429s"
)
_DATABASE = (
    "postgres canceling statement due to user request",
    "postgres connection to client lost",
    "warning players not saved",
    (
        "error Exception closing connection "
        "<AdaptedConnection <asyncpg.connection.Connection object>>"
    ),
    (
        "error Future exception was never retrieved\n"
        "future: <Future finished exception=ConnectionError('unexpected connection_lost() call')>"
    ),
)
"""Of connections that end in the middle of a statement; the last two are SQLAlchemy's and
asyncpg's."""
_SLOWED = "warning discord slows the whole bot down"
_BUSY = "warning voice server does not answer"
"""All players of a node that was killed greet the simulator's voice server at once, on one core."""
EXPECTED = {
    "warning node down": range(1, 1000),
    **logs.redis_away(),
    **dict.fromkeys((*_DATABASE, _SLIDE, _SLOWED, _BUSY), logs.OFTEN),
}
"""What the living say of the dead: each a few times by each process, however long it lasts."""


def kills(stage: Stage, *, seed: int) -> Plan:
    """Plan a kill -9 of each part, in an order of chance."""
    parts = [name for kind in STRUCK for name in stage.names(kind)]
    random.Random(seed).shuffle(parts)  # noqa: S311 - the same every time
    return tuple((part, "SIGKILL") for part in parts)


def plan(stage: Stage, *, seed: int, rounds: int) -> Plan:
    """Plan a kill -9 and an orderly end of each part in each round, in an order of chance."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    found: list[tuple[str, How]] = []
    for _ in range(rounds):
        killed = kills(stage, seed=chance.randrange(1 << 31))
        both: list[tuple[str, How]] = [
            *killed,
            *((part, "SIGTERM") for part, _ in killed if part not in SERVERS),
        ]
        chance.shuffle(both)
        found += both
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Blow:
    """One process that ended."""

    part: str
    how: How
    at: float
    back: float
    """When it was ready again, by the machine's monotonic clock."""


@dataclass(slots=True)
class Havoc:
    """What befell a machine."""

    machine: Machine
    every: float
    """Seconds from one blow to the next, at least."""
    blows: list[Blow] = field(default_factory=list)

    async def run(self, plan: Plan, until: asyncio.Event) -> None:
        """Go through a plan, again and again; the blow that has begun is finished."""
        number = 0
        while plan and not until.is_set():
            part, how = plan[number % len(plan)]
            began = time.monotonic()
            await self.mend()
            await self.strike(part, how)
            number += 1
            left = self.every - (time.monotonic() - began)
            try:
                async with asyncio.timeout(max(left, 0.5)):
                    await until.wait()
            except TimeoutError:
                continue

    async def mend(self) -> None:
        """Start again what ended by itself, as a supervisor does."""
        for name, part in self.machine.parts.items():
            if not part.running:
                at = time.monotonic()
                await self.machine.restart_dead(name)
                self.blows.append(Blow(name, "by itself", at, time.monotonic()))

    async def strike(self, name: str, how: How) -> None:
        """End one process, and do as its supervisor does."""
        part, at = self.machine.parts[name], time.monotonic()
        if how == "SIGKILL":
            await part.kill()
        else:
            await part.stop()
        if name in SERVERS or how == "SIGTERM":
            await part.start()
        else:
            await self.machine.restart_dead(name)
        self.blows.append(Blow(name, how, at, time.monotonic()))
