"""One trial: a crowd types at random while one process after another is ended, then all is read."""

import asyncio
import random
import time
from dataclasses import dataclass, replace

from legato_machine.conditions import until
from legato_machine.machine import Machine
from legato_machine.oracle import books
from legato_machine.oracle.crowd import Stalls, Typist
from legato_machine.oracle.findings import Findings
from legato_machine.oracle.havoc import Havoc, Plan
from legato_simulator.dave.policy import Policy

PEOPLE = 3
TRACKS = tuple(f"tone-{number}-300s.ogg" for number in (1, 2, 3, 4, 5))
"""Longer than a trial: no track ends by itself."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is typed, and what is ended meanwhile."""

    commands: int
    rate: float
    """Commands a second."""
    guilds: int
    seed: int
    plan: Plan
    """Which part is ended how, one after the other, and again from the first."""
    every: float = 8.0
    """Seconds from one end to the next."""
    audible: int = 20
    """In all guilds but so many the bot is muted, and calls are not encrypted end to end: one
    process is all people's clients, and a group's change costs it 30 ms."""


async def run(machine: Machine, trial: Trial) -> Findings:
    """Do it, wait until nothing is left to do, and tell what came of it."""
    typist = await _gather(machine, trial)
    havoc, stalls, over = Havoc(machine, every=trial.every), Stalls(), asyncio.Event()
    began = time.monotonic()
    watching = asyncio.create_task(stalls.watch())
    killing = asyncio.create_task(havoc.run(trial.plan, over))
    await typist.type(trial.commands, trial.rate)
    typed = time.monotonic()
    over.set()
    await killing
    await havoc.mend()
    await books.quiet(machine)
    watching.cancel()
    pace = (
        f"seed {trial.seed}: typed {typed - began:.0f} s, quiet {time.monotonic() - typed:.0f} s,"
        f" {typist.late:.1f} s late, held up for {typist.held:.1f} s"
    )
    return replace(await _look(machine, typist), pace=pace, blows=havoc.blows, stalls=stalls.seen)


async def _gather(machine: Machine, trial: Trial) -> Typist:
    """Make the guilds, and wait until the gateways know them."""
    tracks = [await machine.make(name) for name in TRACKS]
    guilds = await machine.discord.make_crowd(trial.guilds, PEOPLE)
    await machine.voice.voice_demand(Policy.OFF)
    for guild in guilds[: trial.audible]:
        await machine.voice.voice_demand(Policy.REQUIRED, guild_id=int(guild.guild_id))
    for guild in guilds[trial.audible :]:
        await machine.discord.mute_voice(str(machine.bot_id), guild.guild_id, mute=True)

    async def known() -> bool:
        counts = [await _guilds(machine, name) for name in machine.stage.names("gateway")]
        return sum(counts) >= trial.guilds

    await until(known, what="the gateways know all guilds", timeout=60)
    chance = random.Random(trial.seed)  # noqa: S311 - the same every time
    return Typist(machine, guilds, tracks, chance)


async def _guilds(machine: Machine, name: str) -> float:
    async with await machine.get(name, "/metrics") as answer:
        text = await answer.text()
    lines = (line for line in text.splitlines() if line.startswith("legato_gateway_guilds "))
    return float(next(lines, " 0").split()[-1])


async def _look(machine: Machine, typist: Typist) -> Findings:
    outcomes = await machine.discord.outcomes()
    found = await books.read(machine)
    return Findings(
        typed=typist.typed,
        outcomes=[one for one in outcomes if one.id in typist.typed],
        done=found.done,
        worlds=found.worlds,
        shown=found.shown,
        failures=found.failures,
    )
