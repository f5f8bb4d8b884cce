"""Guilds' settings as PostgreSQL's owner copied them to Redis, kept for moments in memory."""

import asyncio
from collections import OrderedDict

import msgspec

from legato.contracts import keys
from legato.contracts.settings import GuildSettings
from legato.redis import Client, reaching

_KEPT_SECONDS = 30.0
_MOST = 10_000
_DEFAULTS = GuildSettings()


class SettingsCache:
    """The settings of the guilds that were asked for lately."""

    def __init__(self, redis: Client, *, bot: int) -> None:
        self._redis = redis
        self._bot = bot
        self._known: OrderedDict[int, tuple[float, GuildSettings]] = OrderedDict()
        self._changes = 0

    async def of(self, guild_id: int) -> GuildSettings:
        """Return a guild's settings; defaults where there are none. Raises Unavailable."""
        now = asyncio.get_running_loop().time()
        known = self._known.get(guild_id)
        if known is not None and now - known[0] < _KEPT_SECONDS:
            return known[1]
        before = self._changes
        with reaching("guild settings"):
            raw = await self._redis.hget(keys.guild_settings(self._bot), str(guild_id))
        settings = msgspec.json.decode(raw, type=GuildSettings) if raw else _DEFAULTS
        if self._changes != before:
            return settings  # changed while it was read: good for now, not to keep
        self._known[guild_id] = (now, settings)
        self._known.move_to_end(guild_id)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return settings

    def forget(self, name: str) -> None:
        """Drop what changed: `settings:<guild>` for one guild; other names are not ours."""
        kind, _, guild = name.partition(":")
        self._changes += 1
        if kind == "settings" and guild.isdigit():
            self._known.pop(int(guild), None)

    def forget_all(self) -> None:
        """Drop everything: invalidations may have been missed."""
        self._changes += 1
        self._known.clear()

    async def follow(self) -> None:
        """Drop what others say has changed, until cancelled. Raises Unavailable."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as listening:
            with reaching("invalidations"):
                await listening.subscribe(keys.invalidated(self._bot))
            self.forget_all()
            while True:
                with reaching("invalidations"):
                    told = await listening.get_message(timeout=1.0)
                if told is not None:
                    data = told["data"]
                    self.forget(data.decode() if isinstance(data, bytes) else str(data))
