import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from legato.contracts import keys
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Held, Lease, Leases
from legato.redis import Client, connect
from support_waiting import until

P = Partition(7, "default", 3)
TTL = timedelta(milliseconds=300)


LONG = timedelta(minutes=5)
"""A lease's life in tests where none ends."""


def leases(redis: Client, owner: str, *, ttl: timedelta = TTL) -> Leases:
    return Leases(redis, owner=owner, ttl=ttl, renew=ttl / 5)


async def taken(found: Lease | Held) -> Lease:
    assert isinstance(found, Lease)
    return found


async def taken_when_stale(other: Leases) -> Lease:
    """Take a lease that grows stale while Redis stays reachable, as the other's ticks show."""

    async def take() -> Lease | None:
        await other.steady()
        found = await other.acquire(P)
        return found if isinstance(found, Lease) else None

    found = await until(take)
    assert found is not None
    return found


async def test_a_free_lease_goes_to_one_of_two(each_redis: Client) -> None:
    first, second = leases(each_redis, "a"), leases(each_redis, "b")

    found = await asyncio.gather(first.acquire(P), second.acquire(P))

    assert sum(isinstance(one, Lease) for one in found) == 1


async def test_the_deadline_counts_from_before_the_call(each_redis: Client) -> None:
    before = time.monotonic()
    lease = await taken(await leases(each_redis, "a").acquire(P))

    assert before + 0.3 <= lease.deadline <= time.monotonic() + 0.3
    assert lease.left(now=before) >= TTL
    assert lease.left(now=lease.deadline + 1) == timedelta(0)


async def test_acquiring_twice_gives_the_same_epoch(each_redis: Client) -> None:
    mine = leases(each_redis, "a")

    first, again = await taken(await mine.acquire(P)), await taken(await mine.acquire(P))

    assert first.epoch == again.epoch


async def test_another_run_of_the_same_member_is_another_owner(each_redis: Client) -> None:
    await leases(each_redis, "a").acquire(P)

    assert isinstance(await leases(each_redis, "a").acquire(P), Held)


async def test_a_released_lease_is_free_and_its_epoch_grows(each_redis: Client) -> None:
    first, second = leases(each_redis, "a"), leases(each_redis, "b")
    lease = await taken(await first.acquire(P))
    await first.release(lease)

    later = await taken(await second.acquire(P))

    assert later.epoch > lease.epoch
    assert await first.renew(lease) is None


async def test_a_stale_lease_is_taken_once_redis_was_steady(each_redis: Client) -> None:
    first, second = leases(each_redis, "a"), leases(each_redis, "b")
    old = await taken(await first.acquire(P))

    new = await taken_when_stale(second)

    assert new.epoch > old.epoch
    assert await first.renew(old) is None


async def test_after_a_gap_the_owner_renews_before_anybody_takes(each_redis: Client) -> None:
    first, second = leases(each_redis, "a"), leases(each_redis, "b")
    old = await taken(await first.acquire(P))
    await second.steady()
    await asyncio.sleep(TTL.total_seconds() * 5)

    held = await second.acquire(P)
    renewed = await first.renew(old)

    assert isinstance(held, Held)
    assert renewed is not None
    assert renewed.epoch == old.epoch


async def test_a_lease_that_exists_nowhere_goes_on_with_its_holder(each_redis: Client) -> None:
    first = leases(each_redis, "a", ttl=LONG)
    old = await taken(await first.acquire(P))
    await each_redis.flushall()

    renewed = await first.renew(old)

    assert renewed is not None
    assert renewed.epoch > old.epoch
    assert isinstance(await leases(each_redis, "b").acquire(P), Held)


async def test_what_redis_does_not_know_is_taken_only_where_that_is_meant(
    each_redis: Client,
) -> None:
    mine = leases(each_redis, "a")

    assert await mine.acquire(P, unknown=False) == Held(P, "", timedelta(0))
    assert isinstance(await mine.acquire(P), Lease)
    assert isinstance(await mine.acquire(P, unknown=False), Lease)


async def test_who_was_frozen_takes_nothing_again_that_redis_lost(each_redis: Client) -> None:
    first = leases(each_redis, "a")
    old = await taken(await first.acquire(P))
    await each_redis.flushall()

    assert await first.renew(replace(old, deadline=time.monotonic() - 1)) is None
    assert not await each_redis.exists(keys.lease(P))


async def test_epochs_grow_even_when_the_clock_stands_behind(each_redis: Client) -> None:
    ahead = str(4 * 10**12)
    await each_redis.hset(keys.lease(P), mapping={"owner": "", "epoch": ahead, "renewed_at": "0"})

    lease = await taken(await leases(each_redis, "a").acquire(P))

    assert lease.epoch == 4 * 10**12 + 1


async def test_the_supervisor_frees_what_a_dead_member_held(each_redis: Client) -> None:
    dead, other = leases(each_redis, "a"), leases(each_redis, "ab")
    mine = [Partition(7, "default", index) for index in range(4)]
    for partition in mine[:3]:
        await dead.acquire(partition)
    await other.acquire(mine[3])

    assert await other.release_all_of("a") == 3
    assert isinstance(await leases(each_redis, "c").acquire(mine[0]), Lease)
    assert isinstance(await leases(each_redis, "c").acquire(mine[3]), Held)


async def test_a_redis_that_is_not_there_is_unavailable() -> None:
    client = connect("redis://127.0.0.1:1/0", timeout=timedelta(seconds=1))
    with pytest.raises(Unavailable, match="redis"):
        await leases(client, "a").acquire(P)
    await client.aclose()
