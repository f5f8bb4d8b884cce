"""The counts that are stored once and then bind every process of a bot: shards and partitions.

Another count would send a guild's messages to another partition, and so lose their order.
"""

from legato.contracts import keys
from legato.errors import Unavailable
from legato.redis import Client, reaching


class OtherLayout(Exception):
    """A count differs from the stored one; the text says so in a sentence."""


class Layout:
    """One bot's counts."""

    def __init__(self, redis: Client, bot: int) -> None:
        self._redis = redis
        self._key = keys.layout(bot)
        self._known: dict[str, int] = {}

    async def bind_partitions(self, region: str, count: int) -> None:
        """Store a region's count, or check it; OtherLayout where another one is stored.

        To be done again now and then: an emptied Redis has forgotten it.
        """
        await self._bind(f"partitions:{region}", count, "PARTITIONS")

    async def bind_shards(self, count: int) -> None:
        """Store the count of shards, or check it; OtherLayout where another one is stored."""
        await self._bind("shards", count, "SHARDS")

    async def partitions(self, region: str) -> int:
        """Return a region's count; Unavailable until an audio service has stored it."""
        return await self._read(f"partitions:{region}")

    async def shards(self) -> int:
        """Return the count of shards; Unavailable until a gateway has stored it."""
        return await self._read("shards")

    async def _bind(self, field: str, count: int, setting: str) -> None:
        self._known.pop(field, None)
        # Together, so that a Redis that is emptied meanwhile is never found empty in between.
        with reaching("layout"):
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hsetnx(self._key, field, str(count))
                pipe.hget(self._key, field)
                _, found = await pipe.execute()
        stored = self._known[field] = int(found)
        if stored != count:
            raise OtherLayout(
                f"This bot was laid out for {stored} {field.partition(':')[0]}, "
                f"and {count} were asked for. Set {setting}={stored}."
            )

    async def _read(self, field: str) -> int:
        if field not in self._known:
            with reaching("layout"):
                found = await self._redis.hget(self._key, field)
            if found is None:
                raise Unavailable("redis", f"nobody has stored the count of {field} yet")
            self._known[field] = int(found)
        return self._known[field]
