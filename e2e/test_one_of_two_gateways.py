"""One of two gateways ends, sockets end in every way: RESUME wherever it is allowed."""

import asyncio

import pytest

from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room

SHARDS = 2
STAGE = Stage(
    gateway=2,
    settings={"SHARDS": str(SHARDS), "MEMBER_READY_AFTER": "1s"},
    discord={
        "SIMULATOR_SHARDS": str(SHARDS),
        "SIMULATOR_MAX_CONCURRENCY": str(SHARDS),
        # So that a socket that says nothing any more is found dead within seconds.
        "SIMULATOR_HEARTBEAT_INTERVAL": "3",
    },
)
DROPPED = "warning failed to communicate with server, reason was: 'Socket has closed'. "
EXPECTED = {f"{DROPPED}Will retry shortly": range(1, SHARDS + 1)}
"""Of the swallowed sockets."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def playing(stage: Machine, name: str, tone: int) -> Room:
    """Make a room that listens to a tone."""
    room = await stage.room(name)
    await room.play(f"tone-{tone}-180s.ogg")
    await room.hears(tone, after=1000)
    return room


async def resumed(stage: Machine, wanted: int) -> None:
    """Wait for so many RESUMEs in all."""

    async def look() -> bool:
        return (await stage.discord.record()).resumes >= wanted

    await until(look, what=f"{wanted} RESUMEs", timeout=30)


async def connected(stage: Machine) -> None:
    """Wait until every shard has a session that is connected."""

    async def look() -> bool:
        sessions = await stage.discord.sessions()
        return {one.shard[0] for one in sessions if one.connected} == set(range(SHARDS))

    await until(look, what="all shards connected", timeout=30)


async def queued_once(room: Room, title: str) -> None:
    """Wait until a track stands in the queue; it must stand there once."""

    async def look() -> str | None:
        shown = await room.type("queue")
        text = shown.message.text if shown.message else ""
        return text if title in text else None

    text = await until(look, what=f"{title} in the queue")
    assert text.count(title) == 1


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
async def test_the_other_gateway_resumes_and_commands_meanwhile_happen_once(
    stage: Machine, how: str
) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, f"loses its gateway to {how}", 3)
        link = await stage.make("tone-4-60s.ogg")
        await stage.make("tone-5-60s.ogg")
        owner = await stage.fleet.owner_of(room, "gateway")
        before = await stage.discord.record()

        if how == "SIGTERM":
            stopping = asyncio.create_task(stage.parts[owner].stop())
            answer = await room.play("tone-4-60s.ogg")
            assert answer.message is not None
            assert await stopping == 0
        else:
            await stage.parts[owner].kill()
            await room.begin("play", {"query": link})
            await stage.bury(owner)
        await resumed(stage, before.resumes + 1)
        heir = await stage.fleet.owner_of(room, "gateway")
        await room.play("tone-5-60s.ogg", timeout=20)

    after = await stage.discord.record()
    assert heir != owner
    assert after.identifies == before.identifies
    await queued_once(room, "Test tone 4")
    await queued_once(room, "Test tone 5")
    await hearing.unbroken(room, noise)
    await room.type("leave")
    await stage.start(owner)


async def test_all_shards_are_asked_to_reconnect_and_resume(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "is asked to reconnect", 1)
        await connected(stage)
        before = await stage.discord.record()

        assert await stage.discord.ask_reconnect() == SHARDS
        await room.play("tone-2-60s.ogg", timeout=20)
        await resumed(stage, before.resumes + SHARDS)

    after = await stage.discord.record()
    assert after.identifies == before.identifies
    await queued_once(room, "Test tone 2")
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def test_an_invalid_session_that_may_be_resumed_is(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "may resume", 6)
        await connected(stage)
        before = await stage.discord.record()

        assert await stage.discord.invalidate_session(resumable=True) == SHARDS
        await resumed(stage, before.resumes + SHARDS)
        await room.play("tone-7-60s.ogg", timeout=20)

    after = await stage.discord.record()
    assert after.identifies == before.identifies
    await queued_once(room, "Test tone 7")
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def test_a_swallowed_socket_is_found_dead_and_resumed(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "is not heard any more", 8)
        await connected(stage)
        before = await stage.discord.record()
        link = await stage.make("tone-9-60s.ogg")

        assert await stage.discord.swallow_connection() == SHARDS
        await room.begin("play", {"query": link})
        await resumed(stage, before.resumes + SHARDS)

    after = await stage.discord.record()
    assert after.identifies == before.identifies
    await queued_once(room, "Test tone 9")
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def test_a_session_that_is_gone_identifies_anew_and_voice_is_joined_again(
    stage: Machine,
) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "loses its session", 2)
        await connected(stage)
        before = await stage.discord.record()

        at = (await room.hears(2)).ms
        assert await stage.discord.invalidate_session(resumable=False) == SHARDS
        await connected(stage)
        await room.hears(2, after=at + 3000, timeout=40)
        await room.play("tone-1-60s.ogg", timeout=20)

    after = await stage.discord.record()
    assert after.identifies == before.identifies + SHARDS
    await queued_once(room, "Test tone 1")
    await hearing.rejoined(room, noise)
