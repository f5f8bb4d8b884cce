"""Feature flags, read through the cache: on for named guilds and for a share of the rest.

Knows no database: whoever has one says how the flags are loaded. Services without one read the
copy that the worker keeps in Redis.
"""

import hashlib
from collections.abc import Awaitable, Callable

import msgspec

from legato.cache import FLAGS, Cache, Source
from legato.contracts import keys
from legato.contracts.flags import Flag
from legato.redis import Client, reaching

CACHED = "flags"
"""The cache's name for a bot's flags; to be invalidated when one is set."""


class Known(msgspec.Struct, frozen=True):
    """All flags of a bot, by name."""

    flags: dict[str, Flag]


class Flags:
    """One bot's flags."""

    def __init__(
        self,
        cache: Cache,
        load: Callable[[], Awaitable[dict[str, Flag]]],
        *,
        shared: bool = True,
    ) -> None:
        """`shared` as in Source: False where `load` reads the copy."""
        self._cache = cache

        async def known() -> Known:
            return Known(await load())

        self._source = Source(CACHED, Known, FLAGS, known, shared=shared)

    async def is_on(self, name: str, guild_id: int) -> bool:
        """Say whether a guild has a feature; an unknown flag is off."""
        known = await self._cache.read(self._source)
        return decide(known.flags.get(name), guild_id)


async def copied(redis: Client, *, bot: int) -> dict[str, Flag]:
    """Read the copy of a bot's flags. Raises Unavailable."""
    with reaching("flags"):
        raw = await redis.get(keys.flags(bot))
    return msgspec.json.decode(raw, type=Known).flags if raw else {}


async def copy(redis: Client, flags: dict[str, Flag], *, bot: int) -> bool:
    """Make the copy anew, and tell every cache; False where it was so already."""
    document = msgspec.json.encode(Known(dict(sorted(flags.items()))))
    with reaching("flags"):
        if await redis.get(keys.flags(bot)) == document:
            return False
        async with redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.flags(bot), document)
            pipe.delete(keys.cached(bot, CACHED))
            pipe.publish(keys.invalidated(bot), CACHED)
            await pipe.execute()
    return True


def decide(flag: Flag | None, guild_id: int) -> bool:
    """Say whether a flag is on for a guild: the same answer in every process, for ever.

    A guild's place among 100 differs from flag to flag, so that not always the same try new things.
    """
    if flag is None:
        return False
    if guild_id in flag.guild_ids:
        return True
    digest = hashlib.sha256(f"{flag.name}:{guild_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % 100 < flag.percent
