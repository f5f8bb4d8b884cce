import pytest

from legato.errors import Unavailable
from legato.layout import Layout, OtherLayout
from legato.redis import Client


async def test_the_first_count_binds(each_redis: Client) -> None:
    await Layout(each_redis, 7).bind_partitions("eu", 32)
    await Layout(each_redis, 7).bind_partitions("eu", 32)

    with pytest.raises(OtherLayout, match="PARTITIONS=32"):
        await Layout(each_redis, 7).bind_partitions("eu", 64)
    assert await Layout(each_redis, 7).partitions("eu") == 32


async def test_a_count_that_nobody_stored_is_not_guessed(each_redis: Client) -> None:
    layout = Layout(each_redis, 7)
    with pytest.raises(Unavailable, match="shards"):
        await layout.shards()

    await Layout(each_redis, 7).bind_shards(2)

    assert await layout.shards() == 2
