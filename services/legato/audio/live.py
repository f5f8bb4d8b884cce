"""What a guild hears, for dashboards and the API: kept and published."""

from collections.abc import Collection

import msgspec

from legato.contracts import keys
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import NowPlaying
from legato.redis import Client, reaching

KEPT = 7 * 24 * 3600
"""Seconds; a guild that nobody plays in is forgotten."""

_settings = msgspec.json.Decoder(GuildSettings)


class Live:
    """One bot's live documents, and its copy of guilds' settings."""

    def __init__(self, redis: Client, bot: int) -> None:
        self._redis = redis
        self._bot = bot

    async def show(self, now: NowPlaying) -> None:
        """Keep and publish what a guild hears."""
        document = msgspec.json.encode(now)
        with reaching("live"):
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(keys.live(self._bot, now.guild_id), document, ex=KEPT)
                pipe.publish(keys.live_channel(self._bot), document)
                await pipe.execute()

    async def settings(self, guild_id: int) -> GuildSettings | None:
        """Return the copy of a guild's settings."""
        with reaching("settings"):
            raw = await self._redis.hget(keys.guild_settings(self._bot), str(guild_id))
        return _settings.decode(raw) if isinstance(raw, bytes) else None

    async def stored(self, guild_ids: Collection[int]) -> None:
        """Tell every cache that these guilds' stored queues have changed."""
        names = [f"queue:{guild_id}" for guild_id in guild_ids]
        with reaching("invalidate"):
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.delete(*(keys.cached(self._bot, name) for name in names))
                for name in names:
                    pipe.publish(keys.invalidated(self._bot), name)
                await pipe.execute()

    async def keep_settings(self, guild_id: int, settings: GuildSettings) -> None:
        """Keep the copy, and tell every cache that it changed."""
        document = msgspec.json.encode(settings)
        with reaching("settings"):
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(keys.guild_settings(self._bot), str(guild_id), document)
                pipe.publish(keys.invalidated(self._bot), f"settings:{guild_id}")
                await pipe.execute()
