from prometheus_client import CollectorRegistry

from legato import flags
from legato.cache import Cache
from legato.contracts.flags import AUTOCOMPLETE_OFF, Flag
from legato.flags import Flags
from legato.store import flags as stored
from legato.worker.jobs import flags as job
from support_counting import counted_statements

BOT = 111


async def test_a_flag_set_in_postgres_holds_for_services_without_it(means, redis):
    cache = Cache(redis, bot=BOT, registry=CollectorRegistry(), component="gateway")
    theirs = Flags(cache, lambda: flags.copied(redis, bot=BOT), shared=False)
    assert not await theirs.is_on(AUTOCOMPLETE_OFF, 5)

    await stored.save(means.database, AUTOCOMPLETE_OFF, percent=0, guild_ids=[5], bot_id=BOT)
    with counted_statements(means.database) as statements:
        said = await job.run(means)
    cache.forget_all()

    assert said == "Copied 1 flags."
    assert len(statements) == 1
    assert await theirs.is_on(AUTOCOMPLETE_OFF, 5)
    assert not await theirs.is_on(AUTOCOMPLETE_OFF, 6)


async def test_caches_are_told_of_a_change_and_of_nothing_else(means, redis):
    await stored.save(means.database, "a", percent=5, bot_id=BOT)
    async with redis.pubsub(ignore_subscribe_messages=True) as listening:
        await listening.subscribe("{111}:invalidated")
        said = [await job.run(means) for _ in range(2)]
        told = [await listening.get_message(timeout=0.2) for _ in range(3)]

    assert said == ["Copied 1 flags.", "1 flags are as they were."]
    assert [message["data"] for message in told if message] == [b"flags"]


async def test_the_copy_is_the_same_in_any_order(redis):
    first, second = Flag(name="a"), Flag(name="b")

    assert await flags.copy(redis, {"a": first, "b": second}, bot=BOT)
    assert not await flags.copy(redis, {"b": second, "a": first}, bot=BOT)
