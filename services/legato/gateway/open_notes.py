"""Word of the interactions that wait for a first answer, left for the shard's next owner.

Written together and a moment late: most are answered before that, and cost Redis nothing. Whoever
dies within the moment has not saved the seq of their events either, so that they come again.
"""

import asyncio
from collections.abc import Callable

from legato.errors import Unavailable
from legato.gateway.shard_store import Lost, OpenInteraction, ShardStore
from legato.leases import Lease

_MOMENT = 0.1
_RETRY_SECONDS = 0.5


class OpenNotes:
    """One shard's."""

    def __init__(self, store: ShardStore) -> None:
        self._store = store
        self._fresh: dict[int, OpenInteraction] = {}
        self._written: set[int] = set()
        self._gone: set[int] = set()
        self._changed = asyncio.Event()

    def left_by_another(self, numbers: set[int]) -> None:
        """Know what stands there already."""
        self._written |= numbers

    def add(self, interaction: OpenInteraction) -> None:
        """Note that one waits."""
        self._fresh[interaction.id] = interaction
        self._changed.set()

    def remove(self, number: int) -> None:
        """Note that one is answered, or deferred."""
        self._fresh.pop(number, None)
        if number in self._written:
            self._gone.add(number)
            self._changed.set()

    async def run(self, lease: Callable[[], Lease | None]) -> None:
        """Write again and again until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(_MOMENT)
            held = lease()
            if held is None:
                return
            try:
                await self.write(held)
            except (Unavailable, Lost):
                await asyncio.sleep(_RETRY_SECONDS)

    async def write(self, lease: Lease) -> None:
        """Write what changed. Raises Lost, Unavailable; then it may be written again."""
        self._changed.clear()
        fresh, gone = {**self._fresh}, {*self._gone}
        if not fresh and not gone:
            return
        self._written |= fresh.keys()
        try:
            await self._store.note_open(lease, [*fresh.values()], gone)
        except (Unavailable, Lost):
            self._changed.set()
            raise
        for number in fresh:
            self._fresh.pop(number, None)
        self._gone -= gone
        self._written -= gone
