"""How a partition gets its steps into the books: through outages, and never past its lease."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from legato.audio.ledger import Change, Ledger, Position
from legato.audio.metrics import Metrics
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

PAUSE = 0.2


class Fenced(Exception):
    """The lease is another's: nothing may be written, or believed, any more."""


class Diverged(Exception):
    """The books are not where we left them, although the lease is ours: begin anew from them."""


class Writer:
    """The one writer of a partition's books, and how far it has come."""

    def __init__(
        self,
        ledger: Ledger,
        lease: Callable[[], Lease | None],
        metrics: Metrics,
        *,
        partition: Partition,
        everything: Callable[[], Iterable[Change]],
    ) -> None:
        """`lease` gives the current lease, None once lost; `everything` tells all from memory."""
        self.position = Position()
        self._ledger = ledger
        self._lease = lease
        self._metrics = metrics
        self._partition = partition
        self._everything = everything

    def held(self) -> Lease:
        """Return the lease; Fenced once it is lost."""
        lease = self._lease()
        if lease is None:
            raise Fenced(str(self._partition))
        return lease

    async def attempt(self, entry: str) -> int:
        """Count that an entry's step begins."""
        while True:
            try:
                return await self._ledger.attempt(self.held(), entry)
            except Unavailable:
                await asyncio.sleep(PAUSE)

    async def commit(self, change: Change) -> None:
        """Write one step, however long it takes; only after it is anything true."""
        waits = False
        while True:
            to = self.position.then(change.entry)
            try:
                outcome = await self._ledger.commit(self.held(), self.position, to, change)
            except Unavailable as error:
                if not waits:
                    log.warning("commit waits", partition=str(self._partition), why=str(error))
                waits = True
                await asyncio.sleep(PAUSE)
                continue
            self._metrics.commits.labels(outcome).inc()
            match outcome:
                case "ok" | "already":
                    self.position = to
                    return
                case "fenced":
                    # Either the lease is another's, which its holder learns at the next renewal,
                    # or Redis lost it, and then the renewal takes it again.
                    await asyncio.sleep(PAUSE)
                case "conflict":
                    await self._write_anew()

    async def _write_anew(self) -> None:
        """Write everything from memory, where Redis came back empty."""
        books = await self._ledger.load(self._partition)
        if books.position != Position():
            raise Diverged(f"{self._partition}: {books.position} is not {self.position}")
        log.warning("the books are empty: written anew", partition=str(self._partition))
        self.position = Position(self.position.entry, 0)
        for whole in self._everything():
            await self.commit(whole)
