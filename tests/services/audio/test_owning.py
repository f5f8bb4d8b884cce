import asyncio
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from legato.audio.metrics import Metrics
from legato.audio.owning import Owning
from legato.audio.writer import Fenced
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease
from support_waiting import PATIENCE, until

P = Partition(7, "default", 3)
LEASE = Lease(P, "a~1", 5, deadline=0.0)


class Books:
    """Fences whoever reads them first, and is never done with the next."""

    def __init__(self) -> None:
        self.loads = 0

    async def load(self, partition: Partition) -> None:
        self.loads += 1
        if self.loads == 1:
            raise Fenced(str(partition))
        await asyncio.Event().wait()


def owning(books: Books, lease: Lease | None) -> Owning:
    found = Owning(lambda _: lease)
    means = SimpleNamespace(ledger=books, metrics=Metrics(CollectorRegistry()))
    found.equip(SimpleNamespace(means=means))
    return found


async def test_a_partition_that_is_ours_still_begins_anew_after_it_was_fenced() -> None:
    books = Books()
    mine = owning(books, LEASE)
    starting = asyncio.create_task(mine.start(LEASE))

    await until(lambda: books.loads == 2)
    assert mine.counted == ()  # its players are read, and not known yet

    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await mine.stop(LEASE, reason="lost")


class Faults:
    """What tenures that fail have in common."""

    def __init__(self) -> None:
        self.begun = 0
        self.ends, self.may_end = asyncio.Event(), asyncio.Event()


class Failing:
    """A tenure that fails, and takes its time to end."""

    is_whole = True

    def __init__(self, world: "Faults") -> None:
        self._world = world

    async def run(self) -> None:
        self._world.begun += 1
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._linger())
            await asyncio.sleep(0)
            raise Unavailable("node", "a fault")

    async def _linger(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self._world.ends.set()
            await self._world.may_end.wait()

    async def close(self, *, lost: bool) -> None:
        pass


async def test_a_partition_that_is_handed_over_while_it_fails_does_not_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults = Faults()
    monkeypatch.setattr("legato.audio.owning.Tenure", lambda *_: Failing(faults))
    mine = owning(Books(), LEASE)
    starting = asyncio.create_task(mine.start(LEASE))
    await faults.ends.wait()

    stopping = asyncio.create_task(mine.stop(LEASE, reason="moved"))
    await asyncio.sleep(0)
    faults.may_end.set()
    await asyncio.wait_for(stopping, PATIENCE)

    await starting
    assert faults.begun == 1


async def test_a_partition_that_is_lost_ends() -> None:
    books = Books()
    mine = owning(books, None)

    await mine.start(LEASE)

    assert books.loads == 1
    await mine.stop(LEASE, reason="lost")
