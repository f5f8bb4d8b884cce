import asyncio

import pytest

from legato.contracts import keys
from legato.gateway import wiring
from legato.layout import OtherLayout
from legato.settings import Secret, WrongSettings
from support_gateway import start
from support_waiting import PATIENCE, until


async def failure_of(running):
    async with asyncio.timeout(PATIENCE):
        await running.task


async def test_a_wrong_token_is_one_clear_sentence(scene):
    running = start(scene.settings(discord_token=Secret("wrong.token.altogether")))

    with pytest.raises(BaseExceptionGroup) as raised:
        await failure_of(running)

    [error] = leaves(raised.value)
    assert isinstance(error, WrongSettings)
    assert "DISCORD_TOKEN is not accepted by Discord." in str(error)
    assert "altogether" not in str(error)


async def test_counts_that_redis_lost_are_stored_again(scene, monkeypatch):
    monkeypatch.setattr(wiring, "_LAYOUT_SECONDS", 0.05)
    layout = keys.layout(scene.players.bot)
    async with scene.gateway():
        stored = await scene.redis.hgetall(layout)
        await scene.redis.delete(layout)

        async def is_back():
            return await scene.redis.hgetall(layout) == stored

        await until(is_back)

    assert stored == {b"partitions:default": b"4", b"shards": b"1"}


async def test_another_count_of_partitions_is_refused(scene):
    async with scene.gateway():
        pass
    running = start(scene.settings(partitions=8))

    with pytest.raises(BaseExceptionGroup) as raised:
        await failure_of(running)

    [error] = leaves(raised.value)
    assert isinstance(error, OtherLayout)
    assert "PARTITIONS=4" in str(error)


async def test_commands_are_registered_once_for_all_gateways(scene):
    async with scene.gateway():
        pass
    async with scene.gateway():
        exchanges = await scene.sim.script.exchanges()

    puts = [e for e in exchanges if e.method == "PUT" and e.path.endswith("/commands")]
    assert len(puts) == 1


async def test_a_change_of_commands_is_registered_anew(scene):
    async with scene.gateway():
        pass
    await scene.redis.hset(keys.registered_commands(scene.players.bot), "global", "older")
    await scene.redis.delete(keys.command_claim(scene.players.bot))
    async with scene.gateway():
        exchanges = await scene.sim.script.exchanges()

    puts = [e for e in exchanges if e.method == "PUT" and e.path.endswith("/commands")]
    assert len(puts) == 2


async def test_several_shards_in_one_process_share_the_guilds(scene):
    await scene.sim.script.make_guilds(20, scene.user)
    async with scene.gateway(shards=2) as gateway:
        shards = gateway.app.shards
        await until(lambda: gateway.connected and gateway.guilds == 21)
        counts = [len(run.state.facts) for run in shards.runs]
        record = await scene.sim.script.record()

    assert sum(counts) == 21
    assert min(counts) > 0
    assert (record.identifies, record.violations) == (2, [])


def leaves(error):
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]
