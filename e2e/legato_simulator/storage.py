"""Keeps the world in one file, so that guilds, commands and messages survive a restart.

Interactions do too, as long as their tokens work: Discord doesn't forget them when a bot restarts.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from legato_simulator import snowflakes
from legato_simulator.bots import Bot
from legato_simulator.interactions import Callback, Interaction, Kind
from legato_simulator.json_values import Json
from legato_simulator.simulation import Simulation
from legato_simulator.world import World


class Asked(Struct, frozen=True, kw_only=True):
    """An interaction that may still be answered; its id says when it began."""

    id: int
    application_id: int
    kind: Kind
    user_id: int
    channel_id: int
    guild_id: int | None
    name: str
    command_id: int | None
    source_message: int | None
    parent: Json | None
    token: str
    callback: Callback | None
    ephemeral: bool
    loading: bool
    original: int | None
    followups: list[int]


class Kept(Struct, frozen=True, kw_only=True):
    """What is in the file."""

    version: int = 1
    last_id: int
    world: World
    bots: list[Bot]
    asked: list[Asked] = []


def save(sim: Simulation, folder: Path) -> None:
    """Write the world; a crash in between leaves the file before."""
    folder.mkdir(parents=True, exist_ok=True)
    bots = list(sim.bots.by_id.values())
    live = sim.interactions.live(sim.clock.monotonic())
    asked = [msgspec.convert(each, Asked, from_attributes=True) for each in live]
    kept = Kept(last_id=sim.ids.last, world=sim.world, bots=bots, asked=asked)
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
    for asked in kept.asked:
        sim.interactions.add(_asked(sim, asked))
    _take_tokens(sim)
    return True


def _asked(sim: Simulation, kept: Asked) -> Interaction:
    """Read an interaction back; it began as long ago as the wall clock says."""
    ago = sim.clock.wall() - snowflakes.time_of(kept.id)
    began = sim.clock.monotonic() - max(0.0, ago)
    is_answered = kept.callback is not None and not kept.loading
    return Interaction(
        **msgspec.structs.asdict(kept),
        created=began,
        acknowledged=began if kept.callback is not None else None,
        answered=began if is_answered else None,
        told=int(is_answered),
    )


def _take_tokens(sim: Simulation) -> None:
    """Give the bots the tokens that this start was given, in their order."""
    for bot, token in zip(sim.bots.by_id.values(), sim.settings.tokens, strict=False):
        bot.token = token
