"""How a partition gets its steps into the books: through outages, and never past its lease.

While Redis is out of reach, what nodes say is stepped from memory and owed to the books, in order,
as is what was being written when it went. Back in reach it is committed if the lease is still ours,
and else forgotten (ownership.md, 3).
"""

import asyncio
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog

from legato.audio.changes import Change, Commit, Position
from legato.audio.ledger import Ledger, Outcome
from legato.audio.metrics import Metrics
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

PAUSE = 0.2
PATIENCE = 1.0
"""Seconds that a commit may take before it is owed: the music does not wait for the books."""


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
        back: Callable[[], None],
    ) -> None:
        """`lease` gives the current lease, None once lost; `everything` tells all from memory.

        `back` is called when the books are in reach again and nothing is owed any more.
        """
        self.position = Position()
        self.is_away = False
        """The books are out of reach: commands have to wait, and all else is owed."""
        self._mark = secrets.token_hex(4)
        self._ledger = ledger
        self._lease = lease
        self._metrics = metrics
        self._partition = partition
        self._everything = everything
        self._back = back
        self._owed: deque[tuple[Position, Position, Commit]] = deque()
        self._away = asyncio.Event()
        self._unsure: Counter[str] = Counter()

    def held(self) -> Lease:
        """Return the lease; Fenced once it is lost."""
        lease = self._lease()
        if lease is None:
            raise Fenced(str(self._partition))
        return lease

    def allow(self, within: timedelta, *, alone: bool = False) -> None:
        """Let an outside call begin that ends within a time; Unavailable where the lease may not.

        `alone` is for what only the holder of a socket may drive: it goes on without Redis, and
        follows what is still owed to the books. All else follows only what they have.
        """
        if self.is_away and not alone:
            raise Unavailable("redis", "the books are out of reach")
        lease = self._lease()
        if lease is None or not lease.allows(within, now=time.monotonic(), alone=alone):
            raise Unavailable("lease", f"{self._partition} may not be ours for long enough")

    async def attempt(self, entry: str) -> int:
        """Count that an entry's step begins; after Unavailable the books are out of reach."""
        if self.is_away:
            raise Unavailable("redis", "the books are out of reach")
        try:
            count = await self._ledger.attempt(self.held(), entry)
        except Unavailable as error:
            self._unsure[entry] += 1
            self._lose_reach(error)
            raise
        return count - self._unsure.pop(entry, 0)

    async def commit(self, commit: Commit) -> None:
        """Write it, or owe it to books that are out of reach; never to a lost lease's.

        What is owed may be in the books already, when only the answer was lost: paying tells.
        """
        while not self.is_away:
            try:
                async with asyncio.timeout(PATIENCE):
                    outcome = await self._write(commit)
                if await self._finish(outcome, commit):
                    return
            except (Unavailable, TimeoutError) as error:
                self._lose_reach(error)
                break
            await asyncio.sleep(PAUSE)
        self._owe(commit)

    async def leave(self, commit: Commit) -> None:
        """Try once to write what can be spared, at the end."""
        if not self.is_away and self._lease() is not None:
            await self._write(commit)

    async def pay(self) -> None:
        """Commit what is owed as soon as the books are in reach, again and again; never ends."""
        while True:
            await self._away.wait()
            try:
                paid = await self._pay_first()
            except Unavailable:
                paid = False
            if not paid:
                await asyncio.sleep(PAUSE)
            elif not self._owed:
                self.is_away = False
                self._away.clear()
                log.info("books in reach again", partition=str(self._partition))
                self._back()

    async def _commit_surely(self, commit: Commit) -> None:
        """Write it, however long it takes."""
        waits = False
        while True:
            try:
                if await self._finish(await self._write(commit), commit):
                    return
            except Unavailable as error:
                if not waits:
                    log.warning("commit waits", partition=str(self._partition), why=str(error))
                waits = True
            await asyncio.sleep(PAUSE)

    def _then(self, commit: Commit) -> Position:
        return self.position.then(commit.entry, mark=self._mark)

    async def _write(self, commit: Commit) -> Outcome:
        to = self._then(commit)
        outcome = await self._ledger.commit(self.held(), self.position, to, commit)
        self._metrics.commits.labels(outcome).inc()
        return outcome

    async def _finish(self, outcome: Outcome, commit: Commit) -> bool:
        """Go on by what came of a commit; False: try again.

        Fenced: either the lease is another's, which its holder learns at the next renewal, or
        Redis lost it, and then the renewal takes it again.
        """
        if outcome == "conflict":
            await self._expect_empty()
            for whole in self._everything():
                await self._commit_surely(Commit(changes=(whole,)))
        elif outcome != "fenced":
            self.position = self._then(commit)
            return True
        return False

    async def _expect_empty(self) -> None:
        """Begin the books anew where Redis came back empty."""
        books = await self._ledger.load(self._partition)
        if books.position != Position():
            raise Diverged(f"{self._partition}: {books.position} is not {self.position}")
        log.warning("the books are empty: written anew", partition=str(self._partition))
        self.position = Position(self.position.entry, 0)

    # What is owed.

    def _lose_reach(self, error: Exception) -> None:
        if not self.is_away:
            why = str(error) or type(error).__name__
            log.warning("books out of reach", partition=str(self._partition), why=why)
        self.is_away = True
        self._away.set()

    def _owe(self, commit: Commit) -> None:
        at, self.position = self.position, self._then(commit)
        self._owed.append((at, self.position, commit))

    async def _pay_first(self) -> bool:
        """Commit the oldest that is owed, or see whether the books are there; False: not yet."""
        if not self._owed:
            return await self._ledger.alive(self.held()) is not None
        at, to, commit = self._owed[0]
        outcome: Outcome = await self._ledger.commit(self.held(), at, to, commit)
        self._metrics.commits.labels(outcome).inc()
        if outcome == "conflict":
            await self._expect_empty()
            # Memory has all that is owed, and more.
            self._owed.clear()
            for whole in self._everything():
                self._owe(Commit(changes=(whole,)))
            return bool(self._owed)
        if outcome == "fenced":
            return False
        self._owed.popleft()
        return True
