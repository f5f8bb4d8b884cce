"""Who holds and plays what on a machine, and what its operator does: cordon, drain."""

from __future__ import annotations

import contextlib
import math
from datetime import timedelta
from typing import TYPE_CHECKING

from legato import fleet, rendezvous
from legato import redis as legato_redis
from legato.contracts.partitions import DEFAULT_COUNT, DEFAULT_REGION, partition_of, shard_of
from legato.overview import MemberRow, NodeRow, Overview, PlayerRow
from legato_machine.conditions import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from legato_machine.machine import Machine
    from legato_machine.room import Room


class Fleet:
    """A machine's services as `legato members`, `nodes` and `players` show them."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    @property
    def _shards(self) -> int:
        return int(self._machine.stage.settings["SHARDS"])

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[legato_redis.Client]:
        client = legato_redis.connect(self._machine.redis_url)
        try:
            yield client
        finally:
            await client.aclose()

    async def members(self, component: str) -> list[MemberRow]:
        """List a service's members."""
        async with self._client() as client:
            rows = await Overview(client, bot=self._machine.bot_id).members()
        return [row for row in rows if row.component == component]

    async def shares(self, component: str) -> dict[str, int]:
        """Count what each part of a service holds."""
        rows = await self.members(component)
        return {row.name.rpartition("-")[0]: len(row.held) for row in rows}

    async def player(self, room: Room) -> PlayerRow | None:
        """Find a room's player."""
        async with self._client() as client:
            rows = await Overview(client, bot=self._machine.bot_id).players()
        return next((row for row in rows if int(row.guild_id) == room.guild_id), None)

    async def node(self, name: str) -> NodeRow:
        """Show one node."""
        async with self._client() as client:
            rows = await Overview(client, bot=self._machine.bot_id).nodes()
        return next(row for row in rows if row.name == name)

    async def node_of(self, room: Room) -> str:
        """Name the node that a room's player sits on."""

        async def look() -> str | None:
            player = await self.player(room)
            return player.node if player else None

        return await until(look, what="a node for the player")

    async def owner_of(self, room: Room, component: str = "audio") -> str:
        """Name the part that holds a room's partition, or its shard."""
        bot = self._machine.bot_id
        if component == "audio":
            count, region = DEFAULT_COUNT, DEFAULT_REGION
            thing = str(partition_of(room.guild_id, bot=bot, region=region, count=count))
        else:
            thing = str(shard_of(room.guild_id, bot=bot, count=self._shards))

        async def look() -> str | None:
            rows = await self.members(component)
            return next((row.name.rpartition("-")[0] for row in rows if thing in row.held), None)

        return await until(look, what=f"an owner of {thing}", timeout=30)

    async def balanced(self, component: str, among: int, *, timeout: float = 60) -> None:
        """Wait until so many parts share everything, none with more than the bounded load."""
        everything = DEFAULT_COUNT if component == "audio" else self._shards
        most = math.ceil(everything / among * rendezvous.SLACK)

        async def look() -> bool:
            shares = [share for share in (await self.shares(component)).values() if share]
            return (len(shares), sum(shares)) == (among, everything) and max(shares) <= most

        await until(look, what=f"{component} shared among {among}", timeout=timeout)

    async def acted(self, component: str) -> None:
        """Wait until every member has acted on the directive as it is now."""
        async with self._client() as client:
            wanted = await fleet.directive(client, bot=self._machine.bot_id)

        async def look() -> bool:
            seen = [row.directive_version for row in await self.members(component)]
            return wanted is not None and all((one or 0) >= wanted.version for one in seen)

        await until(look, what="the directive acted on")

    async def cordon(self, node: str) -> None:
        """Let new players go elsewhere."""
        async with self._client() as client:
            await fleet.cordon(client, bot=self._machine.bot_id, node=node)

    async def uncordon(self, node: str) -> None:
        """Use a node again."""
        async with self._client() as client:
            await fleet.uncordon(client, bot=self._machine.bot_id, node=node)

    async def drain(self, node: str) -> None:
        """Move the players off a node."""
        async with self._client() as client:
            within = timedelta(minutes=10)
            await fleet.drain(client, bot=self._machine.bot_id, node=node, within=within)
