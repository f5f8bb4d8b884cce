"""One of two gateways ends, sockets end in every way: RESUME wherever it is allowed."""

import asyncio
import time

import pytest

from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_simulator.script import Interaction

SHARDS = 4
ROOMS = 4
TONES = (4, 5, 6)
"""Asked for before a gateway ends, while it does and when it has."""
STAGE = Stage(
    gateway=2,
    settings={"SHARDS": str(SHARDS), "MEMBER_READY_AFTER": "1s", "SETTLE": "2s"},
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
    rooms = [await playing(stage, f"loses a gateway to {how} {one}", 3) for one in range(ROOMS)]
    for tone in TONES:
        await stage.make(f"tone-{tone}-60s.ogg")
    async with hearing.control(stage) as noise:
        owners = [await stage.fleet.owner_of(room, "gateway") for room in rooms]
        lost = await shards_of(stage, owners[0])
        before = await stage.discord.record()

        asked = [await ask(stage, room, TONES[0]) for room in rooms]
        ending = asyncio.create_task(end(stage, owners[0], how))
        asked += [await ask(stage, room, TONES[1]) for room in rooms]
        await ending
        asked += [await ask(stage, room, TONES[2]) for room in rooms]
        await resumed(stage, before.resumes + lost)
        back = time.monotonic()
        heirs = [await stage.fleet.owner_of(room, "gateway") for room in rooms]
        shown = [await one.response(30) for one in asked]

    after = await stage.discord.record()
    assert owners[0] not in heirs
    assert after.identifies == before.identifies
    for one, owner in zip(shown, owners * len(TONES), strict=True):
        killed = (how, owner) == ("SIGKILL", owners[0])
        assert one.state == "answered" or (killed and one.created_at < back), one
    for room in rooms:
        for tone in TONES:
            await queued_once(room, f"Test tone {tone}")
        await hearing.unbroken(room, noise)
        await room.type("leave")
    await stage.start(owners[0])
    await stage.fleet.balanced("gateway", 2)


async def shards_of(stage: Machine, owner: str) -> int:
    """Count the shards that a gateway holds, of which each is resumed by the other."""
    return (await stage.fleet.shares("gateway"))[owner]


async def ask(stage: Machine, room: Room, tone: int) -> Interaction:
    """Ask for one more track, and wait for nothing."""
    return await room.begin("play", {"query": stage.music(f"tone-{tone}-60s.ogg")})


async def end(stage: Machine, name: str, how: str) -> None:
    """End a gateway, as its supervisor sees it."""
    if how == "SIGTERM":
        assert await stage.parts[name].stop() == 0
    else:
        await stage.parts[name].kill()
        await stage.bury(name)


async def test_who_asks_while_a_gateway_stops_is_answered_in_time(stage: Machine) -> None:
    """Commands come all the while, from the signal until the other has every shard.

    The simulator takes no first answer after 3 s, but for what it was late itself.
    """
    rooms = [await stage.room(f"asks on {number}") for number in range(2 * SHARDS)]
    leaving = await stage.fleet.owner_of(rooms[0], "gateway")
    before = await stage.discord.record()
    stopping = asyncio.create_task(stage.parts[leaving].stop())
    asked: list[Interaction] = []
    while not stopping.done():
        asked += [await room.begin("queue") for room in rooms]
        await asyncio.sleep(0.25)  # spread over the seconds that the change takes
    assert await stopping == 0

    shown = [await one.response() for one in asked]
    after = await stage.discord.record()

    assert after.resumes > before.resumes
    assert after.identifies == before.identifies
    assert [one.state for one in shown if one.state != "answered"] == []
    await stage.start(leaving)


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
async def test_what_the_bot_is_told_while_no_gateway_runs_it_does_when_they_resume(
    stage: Machine, how: str
) -> None:
    """Guilds are left and entered while gateways end, and while nobody reads their shards."""
    first, then = [await playing(stage, f"is left {when} {how}", 7) for when in ("at", "after")]
    entered = [await stage.room(f"is entered {when} {how}") for when in ("at", "after")]
    link = await stage.make("tone-8-60s.ogg")
    gateways = stage.stage.names("gateway")
    before = await stage.discord.record()

    ending = [asyncio.create_task(end(stage, name, how)) for name in gateways]
    await first.begin("leave")
    await entered[0].begin("play", {"query": link})
    await asyncio.gather(*ending)
    await then.begin("leave")
    await entered[1].begin("play", {"query": link})
    await stage.start_together(*gateways)
    await resumed(stage, before.resumes + SHARDS)
    for room in entered:
        await room.hears(8, timeout=30)
    for room in (first, then):
        await left(stage, room)

    assert (await stage.discord.record()).identifies == before.identifies
    for room in entered:
        await room.type("leave")
    await stage.fleet.balanced("gateway", 2)


async def left(stage: Machine, room: Room) -> None:
    """Wait until the bot is in no channel of a guild."""

    async def gone() -> bool:
        states = await stage.discord.voice_states(room.guild.id)
        return all(state["user_id"] != str(stage.bot_id) for state in states)

    await until(gone, what="the bot has left")


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
