import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from legato import redis as reach
from legato.cache import Cache, Source
from legato.contracts import keys
from support_counting import counted_commands
from support_waiting import PATIENCE


@dataclass
class Origin:
    value: str = "one"
    loads: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self):
        self.gate.set()

    async def load(self) -> str:
        self.loads += 1
        value = self.value
        await self.gate.wait()
        return value

    def source(self, ttl: float = 30) -> Source[str]:
        return Source("thing", str, timedelta(seconds=ttl), self.load)


def cache_of(redis, registry=None, **more) -> Cache:
    return Cache(redis, bot=1, registry=registry or CollectorRegistry(), component="x", **more)


async def test_the_first_read_loads_and_the_next_costs_nothing(redis):
    origin, registry = Origin(), CollectorRegistry()
    cache = cache_of(redis, registry)
    assert await cache.read(origin.source()) == "one"

    async with counted_commands(redis) as commands:
        assert await cache.read(origin.source()) == "one"

    assert (origin.loads, commands) == (1, {})
    levels = {
        level: registry.get_sample_value("legato_x_cache_reads_total", {"level": level})
        for level in ("memory", "source")
    }
    assert levels == {"memory": 1, "source": 1}


async def test_another_process_finds_it_in_redis(redis):
    origin = Origin()
    await cache_of(redis).read(origin.source())

    async with counted_commands(redis) as commands:
        assert await cache_of(redis).read(origin.source()) == "one"

    assert origin.loads == 1
    assert commands == {"multi": 1, "get": 1, "pttl": 1, "exec": 1}


async def test_many_at_once_load_once(redis):
    origin = Origin()
    cache = cache_of(redis)

    await asyncio.gather(*(cache.read(origin.source()) for _ in range(20)))

    assert origin.loads == 1


async def test_a_write_is_heard_by_the_others(redis):
    origin = Origin()
    here, there = cache_of(redis), cache_of(redis)
    await there.read(origin.source())
    async with asyncio.TaskGroup() as group:
        following = group.create_task(there.follow())
        while await redis.pubsub_numsub(keys.invalidated(1)) != [(b"{1}:invalidated", 1)]:
            await asyncio.sleep(0)
        origin.value = "two"
        await here.invalidate("thing")
        async with asyncio.timeout(PATIENCE):
            while await there.read(origin.source()) != "two":
                await asyncio.sleep(0)
        following.cancel()


async def test_what_changes_while_it_is_loaded_is_not_kept(redis):
    origin = Origin()
    origin.gate.clear()
    cache = cache_of(redis)
    reading = asyncio.create_task(cache.read(origin.source()))
    while not origin.loads:
        await asyncio.sleep(0)
    origin.value = "two"
    await cache.invalidate("thing")
    origin.gate.set()

    assert await reading == "one"
    assert await cache.read(origin.source()) == "two"


async def test_it_holds_no_longer_than_its_time(redis):
    origin = Origin()
    cache = cache_of(redis)
    await cache.read(origin.source(ttl=0.02))
    origin.value = "two"

    async with asyncio.timeout(PATIENCE):
        while await cache.read(origin.source(ttl=0.02)) != "two":
            await asyncio.sleep(0.005)


async def test_memory_keeps_the_lately_used(redis):
    origin = Origin()
    cache = cache_of(redis, most=2)

    def named(name: str) -> Source[str]:
        return Source(name, str, timedelta(seconds=30), origin.load)

    for name in ("a", "b", "a", "c"):
        await cache.read(named(name))
    async with counted_commands(redis) as commands:
        await cache.read(named("a"))
        await cache.read(named("c"))
        assert commands == {}
        await cache.read(named("b"))
    assert commands["get"] == 1


@pytest.fixture
async def nowhere():
    client = reach.connect("redis://127.0.0.1:1/0")
    yield client
    await client.aclose()


async def test_without_redis_memory_and_the_source_go_on(nowhere):
    origin = Origin()
    cache = cache_of(nowhere)

    assert await cache.read(origin.source()) == "one"
    assert await cache.read(origin.source()) == "one"
    assert origin.loads == 1


async def test_a_value_of_another_release_is_loaded_anew(redis):
    await redis.set(keys.cached(1, "thing"), b'{"not": "text"}', px=10_000)

    assert await cache_of(redis).read(Origin().source()) == "one"
