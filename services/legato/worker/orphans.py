"""Keys in Redis that nobody owns any more, found by scanning and removed one tag at a time."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec

from legato.contracts import keys
from legato.contracts.fleet import Observed
from legato.contracts.partitions import Partition
from legato.redis import Client, Script, reaching

SILENT = timedelta(days=1)
"""A member that reported nothing for so long is no longer kept."""

_PAGE = 500
_OF_GUILD = re.compile(rb"\{(\d+):([^:}]+):p(\d+)\}:g:(\d+):(?:head|items|outbox)")
_OF_SHARD = re.compile(rb"\{\d+:s\d+of(\d+)\}:")


class Orphans:
    """What is left over in one bot's keys."""

    def __init__(self, redis: Client, *, bot: int) -> None:
        self._redis = redis
        self._bot = bot
        self._orphan = Script("orphan")

    async def guilds(self) -> AsyncIterator[tuple[int, int]]:
        """Remove heads, items and outboxes of guilds no longer here; yields (looked at, gone)."""
        async for page in self._pages(f"{{{self._bot}:*:p*}}:g:*"):
            found = {match.groups() for key in page if (match := _OF_GUILD.fullmatch(key))}
            gone = 0
            for _, region, index, guild in found:
                partition = Partition(self._bot, region.decode(), int(index))
                gone += await self._remove(partition, int(guild))
            yield len(page), gone

    async def shards(self) -> AsyncIterator[tuple[int, int]]:
        """Remove keys of shards of another count than the stored; yields (looked at, gone)."""
        with reaching("layout"):
            count = await self._redis.hget(keys.layout(self._bot), "shards")
        if count is None:
            return
        async for page in self._pages(f"{{{self._bot}:s*of*}}:*"):
            old = [key for key in page if (match := _OF_SHARD.match(key)) and match[1] != count]
            with reaching("unlink"):
                for key in old:
                    await self._redis.unlink(key)
            yield len(page), len(old)

    async def members(self, *, now: int) -> int:
        """Forget what members observed that are long gone; `now` is server ms."""
        oldest = now - SILENT / timedelta(milliseconds=1)
        key = keys.observed(self._bot)
        with reaching("observed"):
            known = await self._redis.hgetall(key)
            gone = [name for name, raw in known.items() if _reported(raw) < oldest]
            return await self._redis.hdel(key, *gone) if gone else 0

    async def _remove(self, partition: Partition, guild_id: int) -> int:
        names = [
            keys.guilds(partition),
            keys.pending(partition),
            keys.head(partition, guild_id),
            keys.items(partition, guild_id),
            keys.outbox(partition, guild_id),
        ]
        answer = await self._orphan(self._redis, names, guild_id)
        return answer if isinstance(answer, int) else 0

    async def _pages(self, pattern: str) -> AsyncIterator[list[bytes]]:
        cursor = 0
        while True:
            with reaching("scan"):
                cursor, page = await self._redis.scan(cursor, match=pattern, count=_PAGE)
            if page:
                yield [key for key in page if isinstance(key, bytes)]
            if not cursor:
                return


def _reported(raw: bytes | str) -> int:
    """Return when a report was made; one that can't be read is from long ago."""
    try:
        return msgspec.json.decode(raw, type=Observed).at
    except msgspec.ValidationError:
        return 0
