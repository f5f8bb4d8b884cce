"""A gateway that crashes again and again, and forgets all each time, is stopped by a file alone."""

import asyncio
import contextlib

import pytest

from legato.contracts import keys
from legato.contracts.partitions import Shard
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage

SHARDS = 2
MOST = 4
"""Identifies an hour: the start's, and those after one crash."""
STAGE = Stage(
    settings={"SHARDS": str(SHARDS), "IDENTIFY_MOST": str(MOST)},
    discord={"SIMULATOR_SHARDS": str(SHARDS), "SIMULATOR_MAX_CONCURRENCY": str(SHARDS)},
)
HELD = "this machine identified too often"
EXPECTED = {f"error {HELD}": range(SHARDS, 20)}
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def crash(stage: Machine) -> None:
    """Kill the gateway, and lose what Redis knows of sessions and of identifies."""
    await stage.parts["gateway"].kill()
    await stage.bury("gateway")
    lost = [keys.gateway_session(Shard(stage.bot_id, index, SHARDS)) for index in range(SHARDS)]
    async with stage.redis() as redis:
        await redis.delete(keys.identify(stage.bot_id), *lost)


async def test_it_identifies_no_more_and_the_music_plays_on(stage: Machine) -> None:
    room = await stage.room("has a gateway in a crash loop")
    await crash(stage)
    await stage.start("gateway")
    await room.play("tone-3-60s.ogg", timeout=20)
    await room.hears(3, after=500)
    assert (await stage.discord.record()).identifies == MOST

    await crash(stage)
    starting = asyncio.create_task(stage.start("gateway"))

    async def held() -> bool:
        return stage.parts["gateway"].log.read_text().count(HELD) >= SHARDS

    await until(held, what="every shard held back", timeout=30)
    at = (await room.hears(3)).ms
    await room.hears(3, after=at + 2000)

    assert (await stage.discord.record()).identifies == MOST
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
