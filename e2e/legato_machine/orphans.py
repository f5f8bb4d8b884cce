"""Players that nobody answers for: on a node or in a voice channel, and in no book of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from legato.contracts import keys
from legato.contracts.partitions import DEFAULT_COUNT, DEFAULT_REGION, all_partitions
from legato.embedded import ports
from legato_machine.conditions import until

if TYPE_CHECKING:
    from legato_machine.machine import Machine

NOT_FOUND = 404
COUNTED = "legato_node_players"
Place = tuple[str, int]
"""A node, and a guild."""


class _Player(msgspec.Struct, rename="camel"):
    guild_id: str


class _Seat(msgspec.Struct):
    node: str = ""
    session_id: str = ""


class _Head(msgspec.Struct):
    guild_id: int
    seat: _Seat | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Who should have a player where, and who has."""

    booked: frozenset[Place]
    """By our books."""
    found: frozenset[Place]
    """By the nodes' REST, in the sessions that the books name."""
    counted: dict[str, int]
    """By the nodes' own counts, over every session there is."""
    spoken: frozenset[int]
    """Guilds in whose voice the bot is connected."""

    @property
    def orphans(self) -> list[str]:
        """Say in a sentence each what nobody answers for."""
        said = [f"{node} plays for {guild}" for node, guild in sorted(self.found - self.booked)]
        for node, count in sorted(self.counted.items()):
            known = sum(place[0] == node for place in self.found)
            if count != known:
                said.append(f"{node} has {count} players, {known} in sessions we know")
        booked = {guild for _, guild in self.booked}
        return said + [f"a voice connection in {guild}" for guild in sorted(self.spoken - booked)]


async def no_orphans(machine: Machine, *, timeout: float = 15.0) -> None:
    """Wait until every player on every node, and every voice connection, is in our books."""

    async def look() -> bool:
        seen = await see(machine)
        said[:] = seen.orphans
        return not said

    said: list[str] = []
    try:
        await until(look, what="no orphan", timeout=timeout)
    except AssertionError as error:
        raise AssertionError(f"orphans: {'; '.join(said)}") from error


async def see(machine: Machine) -> Seen:
    """Ask the books, every node that runs, and Discord."""
    booked, sessions = await _books(machine)
    found: set[Place] = set()
    counted = {}
    headers = {"Authorization": machine.folder.secret("node")}
    async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as http:
        for number, name in enumerate(machine.stage.names("node"), start=1):
            if machine.parts[name].running:
                node, url = f"node-{number}", f"http://{ports.LOOPBACK}:{machine.ports[name]}"
                for session in sessions.get(node, ()):
                    found |= {(node, guild) for guild in await _players(http, url, session)}
                counted[node] = await _count(http, url)
    overview = await machine.voice.voice_overview()
    ours = [one for one in overview.connections if one.connected and one.user_id == machine.bot_id]
    return Seen(
        booked=frozenset(booked),
        found=frozenset(found),
        counted=counted,
        spoken=frozenset(one.guild_id for one in ours),
    )


async def _books(machine: Machine) -> tuple[set[Place], dict[str, set[str]]]:
    """Read every player's seat, and every session by its node."""
    booked: set[Place] = set()
    sessions: dict[str, set[str]] = {}
    bot = machine.bot_id
    async with machine.redis() as client:
        for partition in all_partitions(bot=bot, region=DEFAULT_REGION, count=DEFAULT_COUNT):
            for node, session in (await client.hgetall(keys.node_sessions(partition))).items():
                sessions.setdefault(str(node), set()).add(str(session))
            for guild in await client.smembers(keys.guilds(partition)):
                raw = await client.get(keys.head(partition, int(guild)))
                head = msgspec.json.decode(raw, type=_Head) if raw else None
                if head is not None and head.seat is not None:
                    booked.add((head.seat.node, head.guild_id))
    return booked, sessions


async def _players(http: aiohttp.ClientSession, url: str, session: str) -> set[int]:
    """List the guilds of a session; a session that is gone, or waits, shows none."""
    path = f"{url}/v4/sessions/{session}/players"
    async with http.get(path, raise_for_status=False) as answer:
        if answer.status == NOT_FOUND:
            return set()
        answer.raise_for_status()
        found = msgspec.json.decode(await answer.read(), type=list[_Player])
    return {int(one.guild_id) for one in found}


async def _count(http: aiohttp.ClientSession, url: str) -> int:
    """Count a node's players over all its sessions, by its own metrics."""
    async with http.get(f"{url}/metrics") as answer:
        text = await answer.text()
    line = next(each for each in text.splitlines() if each.startswith(f"{COUNTED} "))
    return round(float(line.rsplit(" ", 1)[1]))
