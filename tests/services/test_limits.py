import asyncio
from datetime import timedelta

import pytest

from legato.contracts import keys
from legato.limits import DISCORD_GLOBAL, Limits, Policy
from support_waiting import until


@pytest.fixture
def limits(each_redis):
    return Limits(each_redis, bot=1)


async def test_a_bucket_gives_what_it_holds_and_then_says_how_long_to_wait(limits):
    policy = Policy("user", 3, timedelta(seconds=30))

    waits = [await limits.take(policy, 7) for _ in range(4)]

    assert waits[:3] == [timedelta()] * 3
    assert timedelta(seconds=9) < waits[3] <= timedelta(seconds=10)


async def test_subjects_and_policies_do_not_share(limits):
    policy = Policy("user", 1, timedelta(seconds=30))
    await limits.take(policy, 7)

    assert not await limits.take(policy, 8)
    assert not await limits.take(Policy("guild", 1, timedelta(seconds=30)), 7)


async def test_many_at_once_take_no_more_than_there_is(limits):
    policy = Policy("burst", 10, timedelta(minutes=10))

    waits = await asyncio.gather(*(limits.take(policy) for _ in range(50)))

    assert sum(not wait for wait in waits) == 10


async def test_some_are_taken_at_once_as_far_as_they_are_there(limits):
    policy = Policy("pace", 5, timedelta(minutes=50))

    first = await limits.take_some(policy, 3)
    rest = await limits.take_some(policy, 3)
    taken, delay = await limits.take_some(policy, 3)

    assert (first[0], rest[0], taken) == (3, 2, 0)
    assert timedelta(minutes=9) < delay <= timedelta(minutes=10)


def test_in_no_second_do_more_requests_leave_than_discord_allows():
    """Not even after a gateway was held up for half a second."""
    second = DISCORD_GLOBAL.capacity * (timedelta(seconds=1) / DISCORD_GLOBAL.per)

    assert DISCORD_GLOBAL.capacity + 1.5 * second <= 50


async def test_a_held_bucket_gives_nothing_until_then_and_begins_anew(limits):
    policy = Policy("pace", 3, timedelta(seconds=30))

    await limits.hold(policy, timedelta(minutes=5))
    await limits.hold(policy, timedelta(minutes=1))
    taken, delay = await limits.take_some(policy, 3)

    assert taken == 0
    # Till the hold is over, and the first of three comes back.
    assert timedelta(seconds=305) < delay <= timedelta(seconds=310)


async def test_after_a_hold_a_bucket_fills_again(limits):
    policy = Policy("pace", 1, timedelta(milliseconds=1))

    await limits.hold(policy, timedelta(milliseconds=1))

    async def taken():
        return not await limits.take(policy)

    await until(taken)


async def test_after_a_hold_the_operators_pace_counts_from_nothing(each_redis, limits):
    policy = Policy("pace", 1, timedelta(milliseconds=1))
    await each_redis.hset(keys.limit_policies(1), "pace", "1 600000 0")

    await limits.hold(policy, timedelta(milliseconds=1))

    assert await each_redis.pttl(keys.limit(1, "pace", "all")) > 30_000
    assert await limits.take(policy) > timedelta(minutes=9)
