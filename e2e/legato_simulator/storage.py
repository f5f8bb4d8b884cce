"""Keeps the world in one file, so that guilds, commands and messages survive a restart."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from legato_simulator.bots import Bot
from legato_simulator.simulation import Simulation
from legato_simulator.world import World


class Kept(Struct, frozen=True, kw_only=True):
    """What is in the file."""

    version: int = 1
    last_id: int
    world: World
    bots: list[Bot]


def save(sim: Simulation, folder: Path) -> None:
    """Write the world; a crash in between leaves the file before."""
    folder.mkdir(parents=True, exist_ok=True)
    bots = list(sim.bots.by_id.values())
    kept = Kept(last_id=sim.ids.last, world=sim.world, bots=bots)
    target, fresh = folder / "world.json", folder / "world.json.new"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(kept))
    fresh.replace(target)


def load(sim: Simulation, folder: Path) -> bool:
    """Read the world back, if there is one; whom no session holds in voice any more has left."""
    target = folder / "world.json"
    if not target.exists():
        return False
    kept = msgspec.json.decode(target.read_bytes(), type=Kept)
    sim.ids.last = kept.last_id
    world, found = sim.world, kept.world
    world.users, world.messages, world.dms = found.users, found.messages, found.dms
    world.guilds, world.homes = found.guilds, found.homes
    for bot in kept.bots:
        sim.bots.add(bot)
        for guild in world.guilds.values():
            guild.voice_states.pop(bot.id, None)
    _take_tokens(sim)
    return True


def _take_tokens(sim: Simulation) -> None:
    """Give the bots the tokens that this start was given, in their order."""
    for bot, token in zip(sim.bots.by_id.values(), sim.settings.tokens, strict=False):
        bot.token = token
