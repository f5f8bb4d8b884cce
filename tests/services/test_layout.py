import asyncio

import pytest

from legato.errors import Unavailable
from legato.layout import Layout, OtherLayout
from legato.redis import Client
from support_waiting import PATIENCE


async def test_the_first_count_binds(each_redis: Client) -> None:
    await Layout(each_redis, 7).bind_partitions("eu", 32)
    await Layout(each_redis, 7).bind_partitions("eu", 32)

    with pytest.raises(OtherLayout, match="PARTITIONS=32"):
        await Layout(each_redis, 7).bind_partitions("eu", 64)
    assert await Layout(each_redis, 7).partitions("eu") == 32


async def test_a_count_that_was_lost_is_bound_again(each_redis: Client) -> None:
    layout = Layout(each_redis, 7)
    await layout.bind_shards(2)
    await each_redis.flushall()

    await layout.bind_shards(2)

    assert await Layout(each_redis, 7).shards() == 2


async def test_a_count_is_bound_while_redis_is_emptied(each_redis: Client) -> None:
    layout, bound = Layout(each_redis, 7), asyncio.Event()

    async def empty() -> None:
        while not bound.is_set():
            await each_redis.flushall()

    async def bind() -> None:
        try:
            for _ in range(100):
                await layout.bind_shards(2)
        finally:
            bound.set()

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        tasks.create_task(empty())
        tasks.create_task(bind())

    assert await layout.shards() == 2


async def test_a_count_that_another_changed_meanwhile_is_seen(each_redis: Client) -> None:
    layout = Layout(each_redis, 7)
    await layout.bind_shards(2)
    await each_redis.flushall()
    await Layout(each_redis, 7).bind_shards(3)

    with pytest.raises(OtherLayout, match="SHARDS=3"):
        await layout.bind_shards(2)


async def test_a_count_that_nobody_stored_is_not_guessed(each_redis: Client) -> None:
    layout = Layout(each_redis, 7)
    with pytest.raises(Unavailable, match="shards"):
        await layout.shards()

    await Layout(each_redis, 7).bind_shards(2)

    assert await layout.shards() == 2
