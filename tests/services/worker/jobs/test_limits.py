from datetime import UTC, datetime, timedelta

from legato.limits import Limits, Policy
from legato.store import limits as stored
from legato.store.limits import Rate
from legato.worker.jobs import limits
from support_counting import counted_commands, counted_statements

BOT = 111
PER_USER = Policy("user", 2, timedelta(minutes=1))


async def test_a_policy_and_a_penalty_that_were_set_are_what_the_limiter_does(means, redis):
    soon = datetime.now(UTC) + timedelta(minutes=10)
    await stored.save(means.database, BOT, "user", Rate(capacity=1, period=timedelta(minutes=1)))
    await stored.save(
        means.database,
        BOT,
        "user",
        Rate(capacity=0, period=timedelta(minutes=1), expires_at=soon),
        subject="7",
    )
    async with counted_commands(redis) as commands:
        with counted_statements(means.database) as statements:
            said = await limits.run(means)
    assert said == "Copied 1 policies and 1 penalties."
    assert len(statements) == 1
    assert commands == {"multi": 1, "del": 1, "hset": 2, "exec": 1}

    buckets = Limits(redis, bot=BOT)
    assert await buckets.take(PER_USER, 8) == timedelta(0)
    assert await buckets.take(PER_USER, 8) > timedelta(seconds=50)
    assert timedelta(minutes=9) < await buckets.take(PER_USER, 7) <= timedelta(minutes=10)


async def test_what_was_taken_back_holds_no_longer(means, redis):
    buckets = Limits(redis, bot=BOT)
    await redis.hset("{111:limits}:policies", "user", "0 1000 0")
    assert await buckets.take(PER_USER, 7) == timedelta(seconds=1)

    await limits.run(means)

    assert await buckets.take(PER_USER, 7) == timedelta(0)


async def test_a_penalty_that_is_over_counts_no_more(redis):
    await redis.hset("{111:limits}:policies", "user:7", "0 1000 1")

    assert await Limits(redis, bot=BOT).take(PER_USER, 7) == timedelta(0)
