import asyncio
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from legato.audio.metrics import Metrics
from legato.audio.tenure import Tenure
from legato.audio.writer import Fenced
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease

P = Partition(7, "default", 3)
LEASE = Lease(P, "a~1", 5, deadline=0.0)


class Emptied:
    """Books of a Redis that knows no lease."""

    async def keep_session(self, lease: Lease, node: str, session_id: str) -> bool:
        return False


def tenure(lease: Lease | None) -> Tenure:
    means = SimpleNamespace(ledger=Emptied(), metrics=Metrics(CollectorRegistry()))
    return Tenure(P, lambda: lease, SimpleNamespace(means=means), asyncio.Event())


async def test_a_session_that_redis_does_not_take_is_tried_again_while_the_lease_is_ours() -> None:
    with pytest.raises(Unavailable):
        await tenure(LEASE).keep("n1", "s1")


async def test_a_session_of_a_lost_lease_ends_the_tenure() -> None:
    with pytest.raises(Fenced):
        await tenure(None).keep("n1", "s1")
