"""Types at random in many guilds, at a steady rate. The same seed types the same."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

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
TICK = 0.1
Options = dict[str, str | int | float | bool]


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

    async def type(self, count: int, rate: float) -> None:
        """Type so many commands, so many a second."""
        began, done = time.monotonic(), 0
        while done < count:
            due = min(count, 1 + int((time.monotonic() - began) * rate))
            batch = [self._one() for _ in range(min(due - done, int(rate * TICK * 3)))]
            ids = await self.machine.discord.run_commands(batch)
            self.typed.update(zip(ids, batch, strict=True))
            done += len(batch)
            self.late = time.monotonic() - began - done / rate
            await asyncio.sleep(TICK)

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
