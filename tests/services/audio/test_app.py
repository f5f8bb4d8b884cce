"""The service as a process of its own, on real servers: killed, doubled, restarted."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec
import pytest

import support_crashing_audio as crashing
from legato import redis as reach
from legato import watchdog
from legato.contracts import keys
from legato.contracts.actions import Queued, QueuePage, Refused
from legato.contracts.fleet import Directive
from legato.contracts.partitions import all_partitions
from legato.leases import Leases
from legato.members import Members
from legato.ownership import bury
from legato.store import queues
from legato.store.database import Database
from support_audio import (
    BOT,
    Gateway,
    Process,
    gateway,
    loaded,
    plays,
    process,
    voice_server,
)
from support_lavalink import Double, running_double
from support_waiting import PATIENCE, until

GUILD = 123 << 22


@dataclass
class World:
    redis: reach.Client
    gateway: Gateway
    node: Double
    audio: Process
    second: Process
    database: Database

    async def bury(self) -> None:
        """Free what a dead service held, as the supervisor of one machine does."""
        leases = Leases(self.redis, owner="supervisor")
        members = Members(self.redis, bot=BOT, component="audio", name="supervisor")
        for name in ("first", "second"):
            await bury(leases, members, name)


@pytest.fixture
async def world(
    redis: reach.Client,
    redis_url: str,
    database_url: str,
    database: Database,
    tmp_path: pathlib.Path,
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(running_double())
        node.begins = True
        voice = await stack.enter_async_context(voice_server(tmp_path))
        for number in range(1, 100):
            node.loads[f"http://music/{number}"] = loaded(number)
        found = await stack.enter_async_context(gateway(redis_url, voice))
        processes = [
            process(
                redis_url,
                database_url,
                tmp_path / f"{name}.log",
                LAVALINK_URL=node.url,
                MEMBER=name,
            )
            for name in ("first", "second")
        ]
        yield World(redis, found, node, *processes, database)
        for one in processes:
            if one._process is not None and one._process.returncode is None:
                await one.kill()


async def saved(database: Database, *, items: int) -> None:
    """Wait until the guild's track and queue are behind."""

    async def is_saved() -> bool:
        found = (await queues.load(database, BOT, [GUILD])).get(GUILD)
        return found is not None and found.track is not None and len(found.items) == items

    await until(is_saved)


async def resumed(node: Double, session: str) -> None:
    """Wait until a session has a socket again, and no other one is left."""
    await until(lambda: list(node.sessions) == [session] and node.sessions[session].socket)


async def test_a_play_reaches_the_node_and_is_answered(world: World) -> None:
    await world.audio.start()
    number = await world.gateway.play(GUILD, "http://music/1")
    reply = await world.gateway.reply(number)

    player = await plays(world.node, "E1")

    assert isinstance(reply.answer, Queued)
    assert reply.answer.track.title == "Tone 1"
    assert player["voice"]["channelId"] == "900"
    assert await world.audio.stop() == 0
    assert "Traceback" not in world.audio.log
    assert "voice-token" not in world.audio.log
    assert "a password" not in world.audio.log


async def test_a_bot_that_is_deleted_leaves_its_channel(world: World) -> None:
    await world.audio.start()
    await world.gateway.play(GUILD, "http://music/1")
    await plays(world.node, "E1")

    closing = Directive(version=1, closing=True)
    await world.redis.set(keys.directive(BOT), msgspec.json.encode(closing))

    await until(lambda: world.gateway.joins[-1].channel_id is None)
    assert await world.audio.stop() == 0


async def test_a_killed_owner_loses_no_command_and_doubles_none(world: World) -> None:
    await world.audio.start()
    first = await world.gateway.play(GUILD, "http://music/1")
    await world.gateway.reply(first)
    await plays(world.node, "E1")
    session = world.node.session.id
    asked = {}
    for number in range(2, 32):
        asked[number] = await world.gateway.play(GUILD, f"http://music/{number}")
        if number % 3 == 0:
            await world.gateway.play(GUILD, f"http://music/{number}", id=asked[number])
        if number in {8, 16, 24}:
            await world.audio.kill()
            await world.bury()
            await world.audio.start()
    for number in asked.values():
        await world.gateway.reply(number)

    shown = await world.gateway.queue(GUILD)

    assert isinstance(shown.answer, QueuePage)
    assert shown.answer.total == 30
    titles = [item.track.title for item in shown.answer.items if item.track]
    assert titles == [f"Tone {number}" for number in range(2, 12)]
    await resumed(world.node, session)
    tracks = [patch["track"]["encoded"] for patch in world.node.patches if "track" in patch]
    assert tracks == ["E1"]
    answered = {reply.key for reply in world.gateway.replies}
    assert len(answered) == 32


async def test_without_a_supervisor_the_lease_runs_out_and_another_goes_on(world: World) -> None:
    await world.audio.start()
    await world.gateway.reply(await world.gateway.play(GUILD, "http://music/1"))
    await plays(world.node, "E1")
    session = world.node.session.id
    await world.audio.kill()

    await world.second.start()
    await world.gateway.reply(await world.gateway.play(GUILD, "http://music/2"))

    await resumed(world.node, session)
    tracks = [patch["track"]["encoded"] for patch in world.node.patches if "track" in patch]
    assert tracks == ["E1"]


async def test_an_orderly_stop_hands_everything_to_the_other(world: World) -> None:
    await world.audio.start()
    await world.gateway.reply(await world.gateway.play(GUILD, "http://music/1"))
    await plays(world.node, "E1")
    await world.second.start()
    assert await world.audio.stop() == 0

    await world.gateway.reply(await world.gateway.play(GUILD, "http://music/2"))

    tracks = [patch["track"]["encoded"] for patch in world.node.patches if "track" in patch]
    assert tracks == ["E1"]
    things = all_partitions(bot=BOT, region="default", count=4)
    owners = {await world.redis.hget(keys.lease(what), "owner") for what in things}
    assert all(owner.startswith(b"second~") for owner in owners)


async def test_a_lost_redis_comes_back_from_postgres(world: World) -> None:
    await world.audio.start()
    for number in (1, 2, 3):
        await world.gateway.reply(await world.gateway.play(GUILD, f"http://music/{number}"))
    await plays(world.node, "E1")
    await world.gateway.queue(GUILD)
    await saved(world.database, items=2)
    await world.audio.kill()
    await world.redis.flushall()
    world.node.sessions.clear()

    await world.audio.start()
    shown = await world.gateway.queue(GUILD)

    assert isinstance(shown.answer, QueuePage)
    assert [item.track.title for item in shown.answer.items if item.track] == ["Tone 2", "Tone 3"]
    assert shown.answer.now.track is not None
    assert shown.answer.now.track.title == "Tone 1"


async def test_an_emptied_redis_is_written_anew_by_who_lives(world: World) -> None:
    await world.audio.start()
    for number in (1, 2):
        await world.gateway.reply(await world.gateway.play(GUILD, f"http://music/{number}"))
    await plays(world.node, "E1")
    await world.redis.flushall()

    shown = await world.gateway.queue(GUILD)

    assert isinstance(shown.answer, QueuePage)
    assert shown.answer.total == 1
    tracks = [patch["track"]["encoded"] for patch in world.node.patches if "track" in patch]
    assert tracks == ["E1"]


async def test_a_message_that_can_not_be_read_is_put_aside(world: World) -> None:
    await world.audio.start()
    partition = all_partitions(bot=BOT, region="default", count=4)[(GUILD >> 22) % 4]
    await world.redis.xadd(keys.inbox(partition), {b"m": b'{"type":"playback.unknown.v9"}'})

    await world.gateway.reply(await world.gateway.play(GUILD, "http://music/1"))

    assert await world.redis.xlen(keys.dead(partition)) == 1


async def test_a_message_that_crashes_its_step_is_put_aside_and_answered(world: World) -> None:
    world.audio.program = [crashing.__file__]
    await world.audio.start()
    await world.gateway.reply(await world.gateway.play(GUILD, "http://music/1"))
    await plays(world.node, "E1")
    handshakes = len(world.node.handshakes)

    crash = await world.gateway.reply(await world.gateway.seek(GUILD, crashing.CRASH))

    assert crash.answer == Refused(reason="internal")
    assert await dead_letters(world) == 1
    assert len(world.node.handshakes) == handshakes
    shown = await world.gateway.queue(GUILD)
    assert isinstance(shown.answer, QueuePage)
    assert world.audio.log.count("a message crashed its step") == 3


async def test_a_message_that_ends_the_process_is_put_aside_at_the_third_time(world: World) -> None:
    world.audio.program = [crashing.__file__]
    await world.audio.start()
    await world.gateway.reply(await world.gateway.play(GUILD, "http://music/1"))
    await plays(world.node, "E1")
    number = await world.gateway.seek(GUILD, crashing.KILL)
    for _ in range(3):
        await world.audio.wait()
        await world.bury()
        await world.audio.start()

    killed = await world.gateway.reply(number)

    assert killed.answer == Refused(reason="internal")
    assert await dead_letters(world) == 1
    tracks = [patch["track"]["encoded"] for patch in world.node.patches if "track" in patch]
    assert tracks == ["E1"]


async def test_a_loop_that_stands_still_past_its_lease_ends_and_another_goes_on(
    world: World,
) -> None:
    world.audio.program = [crashing.__file__]
    await world.audio.start()
    await world.gateway.reply(await world.gateway.play(GUILD, "http://music/1"))
    await plays(world.node, "E1")
    session = world.node.session.id
    await world.gateway.seek(GUILD, crashing.HANG)
    await world.second.start()

    async with asyncio.timeout(PATIENCE):
        code = await world.audio.wait()
    await world.gateway.reply(await world.gateway.play(GUILD, "http://music/2"))
    await until(lambda: world.node.sessions[session].socket)

    assert code == watchdog.STALLED
    assert "stalled past a lease" in world.audio.log
    tracks = [patch["track"]["encoded"] for patch in world.node.patches if "track" in patch]
    assert tracks == ["E1"]


async def dead_letters(world: World) -> int:
    partition = all_partitions(bot=BOT, region="default", count=4)[(GUILD >> 22) % 4]
    return int(await world.redis.xlen(keys.dead(partition)))
