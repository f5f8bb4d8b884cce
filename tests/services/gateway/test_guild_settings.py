"""Guilds' settings, kept for moments: never older than what others said has changed."""

import asyncio

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from legato import redis as reach
from legato.cache import Cache
from legato.contracts import keys
from legato.contracts.settings import GuildSettings
from legato.errors import Unavailable
from legato.gateway.guild_settings import SettingsCache
from support_counting import counted_commands
from support_waiting import until


@pytest.fixture
async def redis(valkey_url):
    client = reach.connect(valkey_url)
    await client.flushall()
    yield client
    await client.aclose()


def kept(redis):
    return Cache(redis, bot=1, registry=CollectorRegistry(), component="gateway")


def settings(redis, cache=None):
    return SettingsCache(cache or kept(redis), redis, bot=1)


async def store(redis, guild, role):
    document = msgspec.json.encode(GuildSettings(dj_role_id=role))
    await redis.hset(keys.guild_settings(1), str(guild), document)


async def test_a_guild_without_settings_has_the_defaults(redis):
    assert await settings(redis).of(5) == GuildSettings()


async def test_a_guild_is_read_once_and_then_known(redis):
    await store(redis, 5, 9)
    cache = settings(redis)

    async with counted_commands(redis) as calls:
        assert [(await cache.of(5)).dj_role_id for _ in range(10)] == [9] * 10

    assert calls == {"hget": 1}


async def test_a_change_that_is_told_is_seen_at_once(redis):
    await store(redis, 5, 9)
    memory = kept(redis)
    cache = settings(redis, memory)
    following = asyncio.create_task(memory.follow())
    await until(lambda: heard(redis))
    assert (await cache.of(5)).dj_role_id == 9

    await store(redis, 5, 10)
    await redis.publish(keys.invalidated(1), "settings:5")

    async def changed():
        return (await cache.of(5)).dj_role_id == 10

    await until(changed)
    following.cancel()
    await asyncio.wait([following])


async def heard(redis):
    return bool((await redis.pubsub_numsub(keys.invalidated(1)))[0][1])


async def test_what_was_missed_is_not_trusted_after_a_break(redis):
    await store(redis, 5, 9)
    memory = kept(redis)
    cache = settings(redis, memory)
    await cache.of(5)
    await store(redis, 5, 10)

    following = asyncio.create_task(memory.follow())
    await until(lambda: heard(redis))

    async def changed():
        return (await cache.of(5)).dj_role_id == 10

    await until(changed)
    following.cancel()
    await asyncio.wait([following])


@pytest.mark.parametrize("name", ["settings:6", "queue:5", "settings:", "nonsense", "settings:x"])
async def test_what_concerns_another_thing_is_kept(redis, name):
    await store(redis, 5, 9)
    memory = kept(redis)
    cache = settings(redis, memory)
    await cache.of(5)

    memory.forget(name)

    async with counted_commands(redis) as calls:
        await cache.of(5)
    assert calls == {}


async def test_without_redis_what_is_known_is_enough_and_the_rest_unavailable(redis):
    cache = settings(reach.connect("redis://127.0.0.1:1"))

    with pytest.raises(Unavailable):
        await cache.of(5)
