"""Guilds' settings as PostgreSQL's owner copied them to Redis, kept for moments in memory."""

from datetime import timedelta

import msgspec

from legato.cache import Cache, Source
from legato.contracts import keys
from legato.contracts.settings import GuildSettings
from legato.redis import Client, reaching

KEPT = timedelta(seconds=30)
"""As long as old settings may hold where an invalidation was lost."""
_DEFAULTS = GuildSettings()


class SettingsCache:
    """The settings of the guilds that were asked for lately."""

    def __init__(self, cache: Cache, redis: Client, *, bot: int) -> None:
        self._cache = cache
        self._redis = redis
        self._key = keys.guild_settings(bot)

    async def of(self, guild_id: int) -> GuildSettings:
        """Return a guild's settings; defaults where there are none. Raises Unavailable."""

        async def load() -> GuildSettings:
            with reaching("guild settings"):
                raw = await self._redis.hget(self._key, str(guild_id))
            return msgspec.json.decode(raw, type=GuildSettings) if raw else _DEFAULTS

        name = f"settings:{guild_id}"
        return await self._cache.read(Source(name, GuildSettings, KEPT, load, shared=False))
