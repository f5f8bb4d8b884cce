"""One thing at a time for each guild, in the order of asking. Knows no command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Lanes:
    """A lane a guild, for as long as somebody is in it; its lock lets in who asked first."""

    def __init__(self) -> None:
        self._lanes: dict[int, _Lane] = {}

    @asynccontextmanager
    async def enter(self, guild_id: int) -> AsyncIterator[None]:
        """Wait for one's turn, and keep it."""
        lane = self._lanes.setdefault(guild_id, _Lane())
        lane.users += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[guild_id]
