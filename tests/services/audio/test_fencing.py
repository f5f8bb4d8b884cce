"""What an owner may still do: a lease fences Redis by its epoch, and outside calls by its time."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from legato.audio.changes import Commit, Position
from legato.audio.ledger import Ledger
from legato.audio.metrics import Metrics
from legato.audio.writer import Writer
from legato.clock import ServerClock
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease, Leases
from legato.redis import Client, connect

P = Partition(7, "default", 3)
TTL = timedelta(seconds=10)


def writer(lease: Callable[[], Lease | None]) -> Writer:
    ledger = Ledger(connect("redis://127.0.0.1:9"), ServerClock())
    return Writer(
        ledger,
        lease,
        Metrics(CollectorRegistry()),
        partition=P,
        everything=lambda: (),
        back=lambda: None,
    )


def lease_with(left: float, *, alone: float = 0.0) -> Lease:
    now = time.monotonic()
    return Lease(P, "a", 1, now + left, renewed=now, alone_until=now + alone)


def test_a_call_that_ends_within_the_lease_may_begin() -> None:
    writer(lambda: lease_with(6.0)).allow(timedelta(seconds=4))


def test_a_call_that_may_outlast_the_lease_does_not_begin() -> None:
    with pytest.raises(Unavailable):
        writer(lambda: lease_with(3.0)).allow(timedelta(seconds=4))


def test_without_redis_only_what_a_socket_guards_goes_on() -> None:
    isolated = writer(lambda: lease_with(0.0, alone=8.0))

    isolated.allow(timedelta(seconds=4), alone=True)
    with pytest.raises(Unavailable):
        isolated.allow(timedelta(seconds=4))


def test_isolation_holds_for_one_time_to_live_at_a_time_and_then_ends() -> None:
    held = Lease(P, "a", 1, 10.0, renewed=0.0)
    isolation = timedelta(seconds=60)

    early = held.missed(now=12.0, ttl=TTL, isolation=isolation)
    late = held.missed(now=58.0, ttl=TTL, isolation=isolation)

    assert early.left_alone(now=12.0) == TTL
    assert late.left_alone(now=58.0) == timedelta(seconds=2)


def test_a_lost_lease_allows_nothing() -> None:
    with pytest.raises(Unavailable):
        writer(lambda: None).allow(timedelta(), alone=True)


async def test_the_same_owner_with_an_older_epoch_writes_nothing(each_redis: Client) -> None:
    found = await Leases(each_redis, owner="a").acquire(P)
    assert isinstance(found, Lease)
    books = Ledger(each_redis, ServerClock())
    older, at = replace(found, epoch=found.epoch - 1), Position("1-0", 1)

    assert await books.commit(older, Position(), at, Commit(entry="1-0")) == "fenced"
    assert await books.attempt(older, "1-0") == 0
    assert await books.commit(found, Position(), at, Commit(entry="1-0")) == "ok"
