"""How many events of all shards wait to be written, and whether more may be read. Knows no event.

Reading stops at a bound and goes on at half of it. Who stops reading closes its connection so that
the session can be resumed: Discord keeps what comes meanwhile, for some minutes, and replays it.
Only to stop reading the socket would not do: the heartbeats' answers come by it too.
"""

import asyncio


class Backlog:
    """The count of one process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting = 0
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    @property
    def waiting(self) -> int:
        """Count what waits."""
        return self._waiting

    def add(self) -> None:
        """Take one more."""
        self._waiting += 1
        if self._waiting >= self._most:
            self._room.clear()
            self._full.set()

    def done(self, count: int) -> None:
        """Say that so many are written, or given up with their shard."""
        self._waiting -= count
        if self._waiting <= self._most // 2:
            self._full.clear()
            self._room.set()

    async def full(self) -> None:
        """Return once no more may be read."""
        await self._full.wait()

    async def room(self) -> None:
        """Return once more may be read."""
        await self._room.wait()
