"""Appends to partitions' inboxes: commands of people, and what Discord tells of voice."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from legato.bus import Bus
from legato.contracts import keys
from legato.contracts.inbox import Message
from legato.contracts.partitions import DEFAULT_REGION, Partition, partition_of
from legato.contracts.voice import Voice
from legato.redis import Client, reaching
from legato.waiting import Waiting

MOST_WAITING = 2000
"""Messages that no step has answered yet, beyond which commands are refused kindly."""
_FRESH = 1.0


@dataclass(frozen=True, slots=True)
class Layout:
    """How a bot's guilds are cut into partitions; stored once and then binding."""

    bot: int
    partitions: int
    region: str = DEFAULT_REGION


class Producer:
    """The way from a shard to the players."""

    def __init__(self, redis: Client, bus: Bus, layout: Layout) -> None:
        self._redis = redis
        self._bus = bus
        self._layout = layout
        self._homes: Mapping[int, str] = {}
        self._waiting = Waiting(redis)
        self._counts: dict[Partition, tuple[float, int]] = {}

    async def learn_homes(self) -> None:
        """Read which guilds have another home region than the default. Raises Unavailable."""
        with reaching("homes"):
            found = await self._redis.hgetall(keys.homes(self._layout.bot))
        self._homes = {int(guild): _text(region) for guild, region in found.items()}

    def partition(self, guild_id: int) -> Partition:
        """Name the partition that a guild's player lives in."""
        layout = self._layout
        region = self._homes.get(guild_id, layout.region)
        return partition_of(guild_id, bot=layout.bot, region=region, count=layout.partitions)

    async def send(self, message: Message) -> None:
        """Append one message. Raises Unavailable; then it may be sent again."""
        await self._bus.append(keys.inbox(self.partition(message.guild_id)), message)

    async def send_all(self, messages: Sequence[Voice]) -> None:
        """Append many, in order. Raises Unavailable; they are marked, so all may be sent again."""
        await self._bus.append_all(
            [(keys.inbox(self.partition(message.guild_id)), message) for message in messages]
        )

    async def is_crowded(self, guild_id: int) -> bool:
        """Say whether so much waits that a person had better try later; looks once a second."""
        partition = self.partition(guild_id)
        now = asyncio.get_running_loop().time()
        looked, count = self._counts.get(partition, (0.0, 0))
        if now - looked > _FRESH:
            count = await self._waiting.count(partition, most=MOST_WAITING)
            self._counts[partition] = (now, count)
        return count >= MOST_WAITING


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
