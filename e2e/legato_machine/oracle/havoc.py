"""Ends one process after another, by SIGKILL and SIGTERM in turn, and starts each again."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Literal

from legato_machine.machine import Machine

How = Literal["SIGKILL", "SIGTERM", "by itself"]
SERVERS = frozenset({"valkey"})


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

    async def run(self, plan: tuple[tuple[str, How], ...], until: asyncio.Event) -> None:
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
