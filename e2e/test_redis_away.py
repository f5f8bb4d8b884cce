"""Redis is away, slow, emptied, full or killed: the music plays on, what was confirmed stays."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
import redis.asyncio
import redis.exceptions

from legato import fleet
from legato import redis as legato_redis
from legato_machine import hearing, logs
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_simulator.views import InteractionView

STAGE = Stage(audio=2, behind=frozenset({"valkey"}), settings={"SETTLE": "2s"})
"""Nothing is left to move once the two share; then nothing may, however soon it could."""
AWAY = 20.0
EACH_WAY = timedelta(milliseconds=250)
BUSY = "Try again in a moment"
EXPECTED = {
    # Four services in as many outages; each says the same thing a few times only.
    **logs.redis_away(most=60),
    "warning books out of reach": range(1, 60),
    "warning leases not renewed": range(1, 60),
    "warning redis out of reach": range(1, 60),
    "warning the books are empty: written anew": range(1, 60),
}
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def balanced(stage: Machine) -> None:
    """Begin with nothing left to move."""
    await stage.fleet.balanced("audio", 2)


async def says(stage: Machine, words: str) -> None:
    """Wait until the health of all that needs Redis says so; nobody is taken out for it."""

    async def look() -> bool:
        said = []
        for service in ("audio-1", "gateway"):
            ready = await stage.get(service, "/ready")
            assert ready.status == 200
            found = await stage.get(service, "/health")
            said.append(found.status == 503 and words in await found.text())
        return all(said)

    await until(look, what=f"health says {words!r}")


async def playing(stage: Machine, name: str, *tones: str) -> Room:
    """Make a room that listens to the first of these tones, with the others queued."""
    for tone in tones:
        await stage.make(tone)
    room = await stage.room(name)
    for tone in tones:
        await room.play(tone)
    await room.hears(number(tones[0]), after=1000)
    return room


def number(tone: str) -> int:
    """Say which track a tone is: of `tone-7-60s.ogg`, 7."""
    return int(tone.split("-")[1])


@contextlib.asynccontextmanager
async def nothing_moves(stage: Machine) -> AsyncIterator[None]:
    """Assert that no partition and no shard changes hands meanwhile, and nobody identifies."""
    before, record = await held(stage), await stage.discord.record()
    yield
    assert await held(stage) == before
    assert (await stage.discord.record()).identifies == record.identifies


async def held(stage: Machine) -> dict[str, list[str]]:
    """Tell who holds what, as soon as somebody holds everything."""

    async def look() -> dict[str, list[str]] | None:
        rows = [*await stage.fleet.members("audio"), *await stage.fleet.members("gateway")]
        found = {row.name: sorted(row.held) for row in rows}
        return found if sum(map(len, found.values())) == 33 else None

    return await until(look, what="an owner of everything", timeout=30)


async def queue_is(room: Room, *titles: str) -> None:
    """Assert that these tracks wait, each once."""

    async def look() -> str | None:
        shown = await room.type("queue", timeout=30)
        text = shown.message.text if shown.message else ""
        return None if BUSY in text else text

    text = await until(look, what="the queue")
    for title in titles:
        assert text.count(title) == 1, text


async def player_is(stage: Machine, room: Room, *, track: str, queued: int) -> None:
    """Wait until `legato players` shows what is heard."""

    async def look() -> bool:
        row = await stage.fleet.player(room)
        return row is not None and (row.track, row.queue_length) == (track, queued)

    await until(look, what=f"{track} and {queued} more among the players")


def confirmed(answer: InteractionView) -> bool:
    """Tell whether a command was done; else it was refused kindly."""
    assert answer.message is not None
    text = answer.message.text
    assert ("Test tone" in text) != (BUSY in text), text
    return "Test tone" in text


async def test_away_for_20_s_tracks_go_on_and_what_is_confirmed_happens_once(
    stage: Machine,
) -> None:
    room = await playing(
        stage, "plays on without Redis", "tone-7-10s.ogg", "tone-8-10s.ogg", "tone-9-60s.ogg"
    )
    link = await stage.make("tone-1-60s.ogg")
    async with hearing.control(stage) as noise, nothing_moves(stage):
        stage.proxies["valkey"].cut()
        async with asyncio.timeout(AWAY + 10):
            asked = await room.begin("play", {"query": link})
            await asked.acknowledged()
            await room.hears(8, after=1000)
            await says(stage, "Redis has not been well since")
            await room.hears(9, after=1000, timeout=20)
            await has_been_away(stage)
        stage.proxies["valkey"].restore()

        answer = await asked.response(30)
        assert confirmed(answer)
        await room.play("tone-2-60s.ogg", timeout=20)
        at = (await room.hears(9)).ms
        await room.hears(9, after=at + 2000)

    await hearing.unbroken(room, noise)
    await queue_is(room, "Test tone 1", "Test tone 2")
    await player_is(stage, room, track="Test tone 9, 60 seconds", queued=2)
    await room.type("leave")


async def has_been_away(stage: Machine) -> None:
    """Wait for the rest of the time; nobody reached it meanwhile."""

    async def look() -> bool:
        return stage.proxies["valkey"].away_for >= AWAY

    await until(look, what=f"Redis away for {AWAY} s", timeout=AWAY)
    assert stage.proxies["valkey"].connections == 0


async def empty(stage: Machine) -> None:
    """Take all that Redis has; the supervisor writes its directive again."""
    client = legato_redis.connect(stage.redis_url)
    directive = await fleet.directive(client, bot=stage.bot_id)
    await client.flushall()
    await fleet.keep(client, bot=stage.bot_id, known=directive)
    await client.aclose()


async def test_emptied_everything_is_written_anew(stage: Machine) -> None:
    room = await playing(stage, "is forgotten by Redis", "tone-3-60s.ogg", "tone-4-60s.ogg")
    async with hearing.control(stage) as noise:
        async with nothing_moves(stage):
            await empty(stage)
            await room.play("tone-5-60s.ogg", timeout=20)
            at = (await room.hears(3)).ms
            await room.hears(3, after=at + 3000)
        await queue_is(room, "Test tone 4", "Test tone 5")
        await player_is(stage, room, track="Test tone 3, 60 seconds", queued=2)
        await room.type("skip", timeout=20)
        await room.hears(4, after=1000)

        identified = (await stage.discord.record()).identifies
        assert await stage.parts["gateway"].stop() == 0
        await stage.start("gateway")
        assert confirmed(await room.play("tone-6-60s.ogg", timeout=20))

    assert (await stage.discord.record()).identifies == identified
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def fill(client: redis.asyncio.Redis) -> None:
    """Leave no memory."""
    used = (await client.info("memory"))["used_memory"]
    await client.config_set("maxmemory", used + (1 << 20))
    for size in (1 << 16, 1 << 10, 1 << 6):
        with contextlib.suppress(redis.exceptions.OutOfMemoryError):
            while True:
                await client.append("ballast", "x" * size)


async def test_full_it_is_as_if_away_until_it_has_room(stage: Machine) -> None:
    room = await playing(stage, "fills Redis", "tone-2-5s.ogg", "tone-3-60s.ogg")
    link = await stage.make("tone-4-60s.ogg")
    async with hearing.control(stage) as noise, nothing_moves(stage), stage.redis() as client:
        await fill(client)
        asked = await room.begin("play", {"query": link})
        await says(stage, "its memory is full")
        await room.hears(3, after=1000)
        await client.config_set("maxmemory", 0)
        await client.delete("ballast")
        answer = await asked.response(30)
        at = (await room.hears(3)).ms
        await room.hears(3, after=at + 2000)

    assert confirmed(answer)
    await hearing.unbroken(room, noise)
    await queue_is(room, "Test tone 4")
    await player_is(stage, room, track="Test tone 3, 60 seconds", queued=1)
    await room.type("leave")


async def test_killed_and_back_it_has_all_it_had_acknowledged(stage: Machine) -> None:
    room = await playing(stage, "outlives Redis", "tone-6-60s.ogg")
    async with hearing.control(stage) as noise, nothing_moves(stage):
        await room.play("tone-7-60s.ogg")
        await stage.parts["valkey"].kill()
        await stage.start("valkey")
        await queue_is(room, "Test tone 7")
        await room.play("tone-8-60s.ogg", timeout=20)
        at = (await room.hears(6)).ms
        await room.hears(6, after=at + 3000)

    await hearing.unbroken(room, noise)
    await queue_is(room, "Test tone 7", "Test tone 8")
    await player_is(stage, room, track="Test tone 6, 60 seconds", queued=2)
    await room.type("leave")


async def test_half_a_second_late_everything_is_done_a_little_later(stage: Machine) -> None:
    room = await playing(stage, "waits for Redis", "tone-9-5s.ogg", "tone-1-60s.ogg")
    async with hearing.control(stage) as noise, nothing_moves(stage):
        stage.proxies["valkey"].slow(EACH_WAY)
        answer = await room.play("tone-2-60s.ogg", timeout=30)
        await room.hears(1, after=2000, timeout=30)
        await queue_is(room, "Test tone 2")
        stage.proxies["valkey"].restore()

    assert confirmed(answer)
    # The next track waits until the books have the end of the one before, and these may have to
    # take something else first: two ways and back.
    await hearing.unbroken(room, noise, between_ms=4 * EACH_WAY / timedelta(milliseconds=1))
    await player_is(stage, room, track="Test tone 1, 60 seconds", queued=1)
    await room.type("leave")
