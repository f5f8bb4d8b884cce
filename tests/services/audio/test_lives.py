"""The owners of many partitions note in one round trip that they live."""

import asyncio

import pytest

from legato import redis as reach
from legato.audio.lives import Lives
from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease, Leases
from legato.redis import Client

PARTITIONS = [Partition(7, "default", number) for number in range(8)]


async def held(redis: Client) -> list[Lease]:
    leases = Leases(redis, owner="a")
    found = [await leases.acquire(partition) for partition in PARTITIONS]
    return [lease for lease in found if isinstance(lease, Lease)]


async def test_all_are_noted_together_and_tell_the_servers_time(each_redis: Client) -> None:
    leases, lives = await held(each_redis), Lives(each_redis, ServerClock())
    await each_redis.script_flush()
    await lives.note(leases[0])  # the server knows the script from now on
    before = (await each_redis.info("commandstats"))["cmdstat_evalsha"]["calls"]

    times = await asyncio.gather(*(lives.note(lease) for lease in leases))

    kept = [await each_redis.get(keys.alive(partition)) for partition in PARTITIONS]
    after = (await each_redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert [int(one) for one in kept] == times
    assert after - before == len(PARTITIONS)


async def test_who_lost_the_lease_is_told_so_and_nobody_else(each_redis: Client) -> None:
    leases, lives = await held(each_redis), Lives(each_redis, ServerClock())
    await each_redis.delete(keys.lease(PARTITIONS[3]))

    times = await asyncio.gather(*(lives.note(lease) for lease in leases))

    assert [number for number, at in enumerate(times) if at is None] == [3]
    assert await each_redis.get(keys.alive(PARTITIONS[3])) is None


async def test_one_who_stops_waiting_takes_nothing_from_the_others(each_redis: Client) -> None:
    leases, lives = await held(each_redis), Lives(each_redis, ServerClock())
    impatient = asyncio.create_task(lives.note(leases[0]))
    patient = asyncio.create_task(lives.note(leases[1]))
    await asyncio.sleep(0)

    impatient.cancel()

    assert await patient is not None
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_a_server_out_of_reach_is_unavailable_for_all(each_redis: Client) -> None:
    leases = await held(each_redis)
    client = reach.connect("redis://127.0.0.1:1/0")
    lives = Lives(client, ServerClock())

    told = await asyncio.gather(*(lives.note(one) for one in leases), return_exceptions=True)

    assert all(isinstance(one, Unavailable) for one in told)
    await client.aclose()


async def test_what_breaks_one_note_breaks_no_other(each_redis: Client) -> None:
    leases, lives = await held(each_redis), Lives(each_redis, ServerClock())
    broken = keys.lease(PARTITIONS[3])
    await each_redis.delete(broken)
    await each_redis.lpush(broken, "no lease")

    told = await asyncio.gather(*(lives.note(one) for one in leases), return_exceptions=True)

    assert [number for number, one in enumerate(told) if not isinstance(one, int)] == [3]
    assert "WRONGTYPE" in str(told[3])
