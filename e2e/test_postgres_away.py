"""PostgreSQL is away, absent at the start, slow or full: the music plays on, writing catches up."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import asyncpg
import msgspec
import pytest
import pytest_asyncio

from legato.contracts.tracks import Track
from legato.settings import Secret
from legato.store import queues
from legato.store.database import Database
from legato.store.settings import StoreSettings
from legato_machine import hearing, small_disk
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_simulator.views import InteractionView

STAGE = Stage(behind=frozenset({"postgres"}), small_disk=small_disk.allowed())
AWAY = 20.0
MOST_LINES = 60
"""Warnings of all services in one outage."""
SOME = range(60)
NO_SPACE = "No space left on device"
FULL = f"postgres could not extend file a file: {NO_SPACE}"
CACHE_FULL = f"postgres could not write init file: {NO_SPACE}"
EXPECTED = {
    "warning begins without postgres": range(1, 2),
    "warning players not read yet": range(1, 40),
    "warning players not saved": range(1, 60),
    "warning people not noted": SOME,
    "warning waiting for a dependency": SOME,
} | ({FULL: range(1, 1000), CACHE_FULL: SOME} if STAGE.small_disk else {})
WATCH = """
CREATE TABLE written (at BIGSERIAL, guild_id BIGINT, epoch BIGINT, version BIGINT);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO written (guild_id, epoch, version) VALUES (NEW.guild_id, NEW.epoch, NEW.version);
  RETURN NEW;
END $$;
CREATE TRIGGER watch AFTER INSERT OR UPDATE ON queue FOR EACH ROW EXECUTE FUNCTION watch();
"""
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Books:
    """What PostgreSQL holds, looked at past the proxy."""

    def __init__(self, connection: asyncpg.Connection, database: Database, bot: int) -> None:
        self._connection = connection
        self._database = database
        self._bot = bot

    async def of(self, room: Room) -> tuple[str | None, list[str]] | None:
        """Say what a guild hears and what waits there, by titles."""
        found = await queues.load(self._database, self._bot, [room.guild_id])
        stored = found.get(room.guild_id)
        if stored is None:
            return None
        return _title(stored.track), [_title(item.track) or "" for item in stored.items]

    async def become(self, room: Room, track: str | None, *waiting: str) -> None:
        """Wait until this is written, and assert that no write went back."""

        async def look() -> bool:
            return await self.of(room) == (track, list(waiting))

        await until(look, what=f"{track} and {waiting} in PostgreSQL", timeout=30)
        await self.only_grew(room)

    async def only_grew(self, room: Room) -> None:
        """Assert that each write was newer than the one before."""
        rows = await self._connection.fetch(
            "SELECT epoch, version FROM written WHERE guild_id = $1 ORDER BY at", room.guild_id
        )
        written = [(row["epoch"], row["version"]) for row in rows]
        assert written
        assert all(one < other for one, other in itertools.pairwise(written)), written

    async def played(self, room: Room, *titles: str) -> None:
        """Wait until these are in the guild's history, each once."""

        async def look() -> bool:
            rows = await self._connection.fetch(
                "SELECT title FROM playback_history WHERE guild_id = $1 ORDER BY created_at",
                room.guild_id,
            )
            return [row["title"] for row in rows] == list(titles)

        await until(look, what=f"{titles} in the history")


def _title(track: Track | None) -> str | None:
    return track.title if track else None


def titled(tone: str) -> str:
    """Say the title of a tone: of `tone-7-60s.ogg`, `Test tone 7, 60 seconds`."""
    _, number, length = tone.removesuffix("s.ogg").split("-")
    return f"Test tone {number}, {length} seconds"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def books(stage: Machine) -> AsyncIterator[Books]:
    """Watch what is written."""
    connection = await asyncpg.connect(stage.database_url)
    await connection.execute(WATCH)
    database = Database(StoreSettings(database_url=Secret(stage.database_url)))
    try:
        yield Books(connection, database, stage.bot_id)
    finally:
        await database.close()
        await connection.close()


class Health(msgspec.Struct):
    """What the scenario reads of /health and /ready."""

    status: str = ""
    ready: bool = False
    away: tuple[str, ...] = ()


async def health(stage: Machine, service: str, path: str) -> Health:
    """Ask a service."""
    answer: aiohttp.ClientResponse = await stage.get(service, path)
    return msgspec.json.decode(await answer.read(), type=Health)


async def says(stage: Machine, service: str, words: str, *, status: str = "degraded") -> None:
    """Wait until a service's health says so; what plays stays ready all the while."""

    async def look() -> bool:
        found = await health(stage, service, "/health")
        ready = await health(stage, service, "/ready")
        told = any("PostgreSQL has not been well since" in one for one in found.away)
        assert ready.ready
        return found.status == status and told and words in str(found.away)

    await until(look, what=f"{service} says {words!r}")


async def well(stage: Machine, service: str) -> None:
    """Wait until a service has nothing to say about PostgreSQL."""

    async def look() -> bool:
        return "PostgreSQL" not in str((await health(stage, service, "/health")).away)

    await until(look, what=f"{service} is well", timeout=40)


async def playing(stage: Machine, name: str, *tones: str) -> Room:
    """Make a room that listens to the first of these tones, with the others queued."""
    for tone in tones:
        await stage.make(tone)
    room = await stage.room(name)
    for tone in tones:
        await room.play(tone)
    await room.hears(int(tones[0].split("-")[1]), after=500)
    return room


@contextlib.asynccontextmanager
async def few_words(stage: Machine) -> AsyncIterator[None]:
    """Assert that an outage fills no log."""
    before = stage.warnings().total()
    yield
    assert stage.warnings().total() - before <= MOST_LINES


def done(answer: InteractionView, words: str) -> None:
    """Assert that a command was answered so."""
    assert answer.message is not None
    assert words in answer.message.text


async def test_away_for_20_s_commands_and_tracks_go_on_and_are_written_later(
    stage: Machine, books: Books
) -> None:
    room = await playing(stage, "writes later", "tone-7-10s.ogg", "tone-8-10s.ogg")
    link = await stage.make("tone-9-60s.ogg")
    await stage.make("tone-1-60s.ogg")
    async with hearing.control(stage) as noise, few_words(stage):
        stage.proxies["postgres"].swallow()
        done(await room.type("play", {"query": link}), "Test tone 9")
        await says(stage, "audio", "no answer")
        await asyncio.sleep(AWAY / 4)
        stage.proxies["postgres"].cut()
        await says(stage, "audio", "refused")
        await says(stage, "api", "refused")
        await says(stage, "worker", "refused", status="unhealthy")
        done(await room.play("tone-1-60s.ogg"), "Test tone 1")
        await room.hears(9, after=1000, timeout=30)
        await has_been_away(stage)
        stage.proxies["postgres"].restore()
        await books.become(room, titled("tone-9-60s.ogg"), titled("tone-1-60s.ogg"))
        await well(stage, "audio")

    await hearing.unbroken(room, noise)
    await books.played(room, titled("tone-7-10s.ogg"), titled("tone-8-10s.ogg"))
    await room.type("leave")


async def has_been_away(stage: Machine) -> None:
    """Wait for the rest of the time, however soon all else was seen."""

    async def look() -> bool:
        return stage.proxies["postgres"].away_for >= AWAY

    await until(look, what=f"PostgreSQL away for {AWAY} s", timeout=AWAY)


async def test_absent_at_the_start_the_music_plays_and_is_written_later(
    stage: Machine, books: Books
) -> None:
    room = await playing(stage, "starts without PostgreSQL", "tone-2-60s.ogg", "tone-3-60s.ogg")
    await stage.make("tone-4-60s.ogg")
    await stage.make("tone-5-60s.ogg")
    async with hearing.control(stage) as noise, few_words(stage):
        stage.proxies["postgres"].cut()
        assert await stage.parts["audio"].stop() == 0
        await stage.parts["audio"].start()
        done(await room.play("tone-4-60s.ogg", timeout=20), "Test tone 4")
        new = await playing(stage, "is new without PostgreSQL", "tone-5-60s.ogg")
        await says(stage, "audio", "refused")
        assert await books.of(new) is None

        stage.proxies["postgres"].restore()
        waiting = (titled("tone-3-60s.ogg"), titled("tone-4-60s.ogg"))
        await books.become(room, titled("tone-2-60s.ogg"), *waiting)
        await books.become(new, titled("tone-5-60s.ogg"))
        await well(stage, "audio")

    await hearing.unbroken(room, noise)
    await hearing.unbroken(new, noise)
    await room.type("leave")
    await new.type("leave")


async def test_half_a_second_late_nobody_notices(stage: Machine, books: Books) -> None:
    room = await playing(stage, "has a slow PostgreSQL", "tone-6-5s.ogg", "tone-7-60s.ogg")
    await stage.make("tone-8-60s.ogg")
    async with hearing.control(stage) as noise, few_words(stage):
        stage.proxies["postgres"].slow(timedelta(milliseconds=250))
        done(await room.play("tone-8-60s.ogg", timeout=3), "Test tone 8")
        new = await stage.room("is new with a slow PostgreSQL")
        done(await new.play("tone-8-60s.ogg", timeout=5), "Test tone 8")
        await room.hears(7, after=1000)
        await books.become(room, titled("tone-7-60s.ogg"), titled("tone-8-60s.ogg"))
        stage.proxies["postgres"].restore()

    await hearing.unbroken(room, noise)
    await room.type("leave")
    await new.type("leave")


async def test_a_full_disk_is_said_and_nothing_is_lost(stage: Machine, books: Books) -> None:
    small_disk.required()
    assert stage.disk is not None
    room = await playing(stage, "has no room", "tone-9-5s.ogg", "tone-1-60s.ogg")
    async with hearing.control(stage) as noise, few_words(stage):
        stage.disk.fill(stage.parts["postgres"].pid)
        await fill_up(stage)
        for tone in range(2, 8):
            done(await room.play(f"tone-{tone}-60s.ogg"), f"Test tone {tone}")
        await says(stage, "audio", NO_SPACE)
        await room.hears(1, after=1000)

        stage.disk.free()
        waiting = [titled(f"tone-{tone}-60s.ogg") for tone in range(2, 8)]
        await books.become(room, titled("tone-1-60s.ogg"), *waiting)
        await well(stage, "audio")

    await hearing.unbroken(room, noise)
    await books.played(room, titled("tone-9-5s.ogg"))
    await room.type("leave")


async def fill_up(stage: Machine) -> None:
    """Use what room the tables have in their own last pages."""
    connection = await asyncpg.connect(stage.database_url)
    with contextlib.suppress(asyncpg.DiskFullError):
        while True:
            await connection.execute("INSERT INTO written SELECT 0, 0, 0, 0")
    await connection.close()
