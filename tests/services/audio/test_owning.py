import asyncio
from types import SimpleNamespace

from prometheus_client import CollectorRegistry

from legato.audio.metrics import Metrics
from legato.audio.owning import Owning
from legato.audio.writer import Fenced
from legato.contracts.partitions import Partition
from legato.leases import Lease
from support_waiting import until

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

    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await mine.stop(LEASE, reason="lost")


async def test_a_partition_that_is_lost_ends() -> None:
    books = Books()
    mine = owning(books, None)

    await mine.start(LEASE)

    assert books.loads == 1
    await mine.stop(LEASE, reason="lost")
