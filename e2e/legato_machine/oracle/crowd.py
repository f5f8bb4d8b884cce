"""Types at random in many guilds, at a steady rate. The same seed types the same.

Whoever asks for more than is answered is slowed down, so that a slow machine makes a trial longer,
and not another one.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from legato_machine.conditions import until
from legato_machine.machine import Machine
from legato_simulator.actions.many import Typing
from legato_simulator.views import CrowdView

MIX = {
    "play": 22,
    "skip": 14,
    "pause": 12,
    "resume": 12,
    "volume": 12,
    "seek": 9,
    "queue": 14,
    "nowplaying": 2,
    "stop": 2,
    "leave": 1,
}
TICK, LOOK = 0.1, 0.5
PATIENT = 30.0
"""Seconds after which nobody waits for an answer any more."""
AT_ONCE = 8.0
"""Seconds of commands that may wait for an answer; then people type slower."""
STALL = 0.5
"""Seconds that nothing ran on the machine, where it counts."""
Options = dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Stall:
    """A time in which the machine let us wait."""

    began: float
    ended: float


class Stalls:
    """When the machine let this process wait, as it lets all others."""

    def __init__(self) -> None:
        self.seen: list[Stall] = []

    async def watch(self) -> None:
        """Look again and again until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(TICK)
            ended = time.monotonic()
            if ended - began > TICK + STALL:
                self.seen.append(Stall(began, ended))


@dataclass(slots=True)
class Typist:
    """A crowd's commands, and what was typed under which id."""

    machine: Machine
    guilds: Sequence[CrowdView]
    tracks: Sequence[str]
    chance: random.Random
    typed: dict[str, Typing] = field(default_factory=dict)
    late: float = 0.0
    """Seconds that the last of it was typed after its time."""
    held: float = 0.0
    """Seconds that people typed nothing, since too many waited for an answer."""
    _looked: float = 0.0

    async def type(self, count: int, rate: float) -> None:
        """Type so many commands, so many a second."""
        began, done = time.monotonic(), 0
        while done < count:
            began += await self._until_answered(round(rate * AT_ONCE))
            due = min(count, 1 + int((time.monotonic() - began) * rate))
            batch = [self._one() for _ in range(min(due - done, int(rate * TICK * 3)))]
            ids = await self.machine.discord.run_commands(batch)
            self.typed.update(zip(ids, batch, strict=True))
            done += len(batch)
            self.late = time.monotonic() - began - done / rate
            await asyncio.sleep(TICK)

    async def _until_answered(self, most: int) -> float:
        """Wait while more than so many wait for an answer; return how long that took."""
        asked = time.monotonic()
        if asked - self._looked < LOOK:
            return 0.0

        async def few() -> bool:
            return await self.machine.discord.waiting(PATIENT) <= most

        await until(few, what="people are answered", timeout=10 * PATIENT)
        self._looked = time.monotonic()
        held = self._looked - asked
        self.held += held
        return held

    def _one(self) -> Typing:
        guild = self.chance.choice(self.guilds)
        command = self.chance.choices(list(MIX), weights=list(MIX.values()))[0]
        return Typing(
            user=self.chance.choice(guild.people),
            channel=guild.text,
            command=command,
            options=self._options(command),
        )

    def _options(self, command: str) -> Options:
        match command:
            case "play":
                query: Options = {"query": self.chance.choice(self.tracks)}
                return query | ({"when": "next"} if self.chance.random() < 0.25 else {})
            case "volume":
                return {"percent": self.chance.randrange(0, 201)}
            case "seek":
                return {"to": str(self.chance.randrange(0, 60))}
            case _:
                return {}
