from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from legato.cache import Cache
from legato.contracts.flags import Flag
from legato.flags import CACHED, Flags, decide
from legato.store import flags as stored
from support_counting import counted_statements


def test_an_unknown_flag_is_off():
    assert not decide(None, 5)


@given(st.integers(min_value=1, max_value=2**63 - 1))
def test_nobody_at_0_percent_everybody_at_100_and_the_named_always(guild):
    assert not decide(Flag(name="a"), guild)
    assert decide(Flag(name="a", percent=100), guild)
    assert decide(Flag(name="a", guild_ids=(guild,)), guild)


def test_a_share_is_about_that_share_and_grows_without_leaving_anyone_out():
    guilds = range(1, 4001)
    some = {guild for guild in guilds if decide(Flag(name="a", percent=25), guild)}
    more = {guild for guild in guilds if decide(Flag(name="a", percent=50), guild)}

    assert 0.22 < len(some) / 4000 < 0.28
    assert some <= more


async def test_a_flag_is_asked_of_the_database_once_until_it_is_set(redis, database):
    cache = Cache(redis, bot=1, registry=CollectorRegistry(), component="api")
    flags = Flags(cache, lambda: stored.load(database, 1))
    with counted_statements(database) as statements:
        assert not await flags.is_on("lyrics", 5)
        assert not await flags.is_on("lyrics", 6)
    assert len(statements) == 1

    await stored.save(database, "lyrics", percent=100)
    await cache.invalidate(CACHED)

    assert await flags.is_on("lyrics", 5)
