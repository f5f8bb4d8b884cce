"""The settings a new player begins with: never waited for long, since a partition waits with it.

Knows neither Redis nor PostgreSQL: whoever has them says how settings are read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Never

import structlog

from legato.audio.events import SettingsFound
from legato.contracts.settings import GuildSettings
from legato.errors import Unavailable

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

WITHIN = timedelta(milliseconds=200)
"""As long as a partition's loop may wait, and only for the first guild while the store is slow."""
AGAIN = timedelta(seconds=1)

Read = Callable[[int], Awaitable[GuildSettings]]


class SettingsOfNew:
    """Reads a guild's settings in time, or later."""

    def __init__(self, read: Read, tell: Callable[[SettingsFound], None]) -> None:
        """`tell` takes to the guild's player what was found too late for its beginning."""
        self._read = read
        self._tell = tell
        self._late: dict[int, None] = {}
        self._any_late = asyncio.Event()

    async def of(self, guild_id: int) -> GuildSettings:
        """Return a guild's settings; the defaults where they can't be read at once."""
        if not self._late:
            try:
                async with asyncio.timeout(WITHIN.total_seconds()):
                    return await self._read(guild_id)
            except (TimeoutError, Unavailable) as error:
                log.info("a player begins without its settings", why=str(error) or "slow")
            except Exception:  # an edge: what is written there wrong must stop no music
                log.exception("settings can't be read", guild=guild_id)
                return GuildSettings()
        self._late[guild_id] = None
        self._any_late.set()
        return GuildSettings()

    async def run(self) -> Never:
        """Read again what was late, one guild after another."""
        while True:
            await self._any_late.wait()
            guild_id = next(iter(self._late))
            try:
                settings = await self._read(guild_id)
            except Unavailable:
                await asyncio.sleep(AGAIN.total_seconds())
                continue
            except Exception:  # an edge: the others' are read all the same
                log.exception("settings can't be read", guild=guild_id)
                self._forget(guild_id)
                continue
            self._forget(guild_id)
            self._tell(SettingsFound(guild_id=guild_id, settings=settings))

    def _forget(self, guild_id: int) -> None:
        del self._late[guild_id]
        if not self._late:
            self._any_late.clear()
