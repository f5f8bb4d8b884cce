import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from legato.audio.effects import Audit, Note, Record
from legato.audio.player import durable, restore
from legato.audio.position import Clock
from legato.audio.state import Play, Player, VoiceState
from legato.audio.writebehind import MOST_PEOPLE, Owned, WriteBehind
from legato.contracts.partitions import Partition, partition_of
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import QueueItem, Track
from legato.errors import Unavailable
from legato.settings import Secret
from legato.store import audit, history, profiles, queues
from legato.store.database import Database
from legato.store.settings import StoreSettings
from legato_machine.proxy import Proxy
from support_waiting import PATIENCE, until

BOT, GUILD = 7, 42 << 22
PARTITION: Partition = partition_of(GUILD, bot=BOT, region="default", count=4)
TRACK = Track(encoded="E", title="A tone", length=60_000)


def item(number: int) -> QueueItem:
    return QueueItem(id=f"{number}", rank=number, track=TRACK, requester_id=5, added_at=1)


def playing(**changes: object) -> Player:
    clock = Clock(at=1_000, since=10_000)
    play = Play(play_id="1-1", item=item(0), track=TRACK, started_at=9_000, clock=clock)
    voice = VoiceState(wanted=9, actual=9, token="t")
    return Player(guild_id=GUILD, play=play, voice=voice, queue=(item(1), item(2)), **changes)


class World:
    def __init__(self) -> None:
        self.player = playing()
        self.epoch = 100
        self.now = 12_000
        self.guilds: list[int] = []
        self.stored: list[int] = []

        self.bad: Player | None = None
        """What another guild has."""

    async def tell(self, guilds: Collection[int]) -> None:
        self.stored += guilds

    def find(self, guild_id: int) -> Owned | None:
        if self.bad is not None and guild_id == self.bad.guild_id:
            return Owned(PARTITION, self.epoch, self.bad, self.now)
        owned = Owned(PARTITION, self.epoch, self.player, self.now)
        return owned if guild_id == GUILD else None


@asynccontextmanager
async def behind(database: Database, world: World) -> AsyncIterator[WriteBehind]:
    found = WriteBehind(
        database,
        BOT,
        find=world.find,
        playing=lambda: world.guilds,
        stored=world.tell,
        every=timedelta(milliseconds=20),
    )
    task = asyncio.create_task(found.run())
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_player_comes_back_as_it_was_saved(database: Database) -> None:
    world = World()
    async with behind(database, world) as writing:
        await writing.save(GUILD)
        (stored,) = await writing.load(PARTITION, count=4)

    assert stored.player == restore(durable(world.player), world.player.queue)
    assert stored.player.voice.token == ""
    assert stored.alive_at == 12_000


async def test_a_player_that_can_not_be_read_back_harms_no_other(database: Database) -> None:
    world = World()
    world.bad = replace(playing(), guild_id=GUILD + (4 << 22))  # of the same partition
    async with behind(database, world) as writing:
        await asyncio.gather(writing.save(GUILD), writing.save(world.bad.guild_id))
        async with database.session() as session:
            await session.execute(
                text("UPDATE queue SET state = '[]' WHERE guild_id = :guild"),
                {"guild": world.bad.guild_id},
            )
        (stored,) = await writing.load(PARTITION, count=4)

    assert stored.player.guild_id == GUILD


async def test_an_older_owner_changes_nothing(database: Database) -> None:
    new, old = World(), World()
    old.epoch = 99
    old.player = playing(volume=1)
    async with behind(database, new) as writing, behind(database, old) as late:
        await writing.save(GUILD)
        await late.save(GUILD)
        (stored,) = await writing.load(PARTITION, count=4)

    assert stored.player.volume == 100


async def test_positions_of_what_plays_are_written_unasked(database: Database) -> None:
    world = World()
    world.guilds = [GUILD]
    async with behind(database, world):
        found = await until(lambda: queues.load(database, BOT, [GUILD]))

    assert found[GUILD].position == 3_000
    assert found[GUILD].position_at == 12_000


async def test_a_guild_that_is_no_longer_ours_is_left_to_others(database: Database) -> None:
    async with behind(database, World()) as writing:
        await writing.save(GUILD + 1)

    assert await queues.load(database, BOT, [GUILD + 1]) == {}


async def test_a_value_that_postgres_refuses_harms_no_other_guild(database: Database) -> None:
    world, bad = World(), item(1)
    refused = replace(bad, track=replace(TRACK, title="A\0tone"))
    world.bad = replace(playing(), guild_id=GUILD + 1, queue=(refused,))
    async with behind(database, world) as writing:
        outcomes = await asyncio.wait_for(
            asyncio.gather(writing.save(GUILD), writing.save(GUILD + 1), return_exceptions=True),
            PATIENCE,
        )
        await asyncio.wait_for(writing.save(GUILD), PATIENCE)

    assert outcomes[0] is None
    assert isinstance(outcomes[1], Exception)
    assert not isinstance(outcomes[1], Unavailable)
    assert set(await queues.load(database, BOT, [GUILD, GUILD + 1])) == {GUILD}


async def test_without_postgres_the_effect_waits() -> None:
    away = Database(StoreSettings(database_url=Secret("postgresql://127.0.0.1:1/x")))
    async with behind(away, World()) as writing:
        with pytest.raises(Unavailable):
            await writing.save(GUILD)
    await away.close()


async def test_what_can_not_be_written_is_said_until_something_is(
    database: Database, database_url: str
) -> None:
    port = urlsplit(database_url).port
    assert port is not None
    with Proxy(port) as way:
        url = database_url.replace(f":{port}", f":{way.port}")
        reached = Database(StoreSettings(database_url=Secret(url)))
        async with behind(reached, World()) as writing:
            way.cut()
            with pytest.raises(Unavailable):
                await writing.save(GUILD)
            refused = writing.problem
            way.restore()
            await writing.save(GUILD)

            assert (refused, writing.problem) == ("Connection refused", "")
        await reached.close()
    assert await queues.load(database, BOT, [GUILD])


async def test_nothing_is_asked_of_a_database_that_may_not_be_ours(database: Database) -> None:
    async with behind(database, World()) as writing:
        writing.is_open = False
        with pytest.raises(Unavailable):
            await writing.save(GUILD)

    assert await queues.load(database, BOT, [GUILD]) == {}


async def test_who_waits_to_be_noted_is_kept_in_bounds() -> None:
    away = Database(StoreSettings(database_url=Secret("postgresql://127.0.0.1:1/x")))
    writing = WriteBehind(
        away,
        BOT,
        find=World().find,
        playing=tuple,
        stored=World().tell,
        every=timedelta(seconds=1),
    )
    for user in range(MOST_PEOPLE + 5):
        writing.note(Note(key=f"{user}", user_id=user, locale="de"))

    assert writing.waiting == MOST_PEOPLE
    await away.close()


async def test_who_is_forgotten_while_being_noted_ends_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, begun, goes_on = World(), asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> None:
        begun.set()
        await goes_on.wait()

    monkeypatch.setattr(profiles, "note", slow)
    async with behind(database, world) as writing:
        writing.note(Note(key="first", user_id=1, locale="de"))
        await begun.wait()
        for user in range(2, MOST_PEOPLE + 2):
            writing.note(Note(key=f"{user}", user_id=user, locale="de"))
        goes_on.set()

        await asyncio.wait_for(writing.save(GUILD), PATIENCE)


async def test_history_is_one_row_a_play(database: Database) -> None:
    record = Record(
        play_id="1-1",
        track=TRACK,
        requester_id=5,
        started_at=1_700_000_000_000,
        ended_at=1_700_000_060_000,
        reason="finished",
        heard=60_000,
    )
    async with behind(database, World()) as writing:
        await writing.record(GUILD, record)
        await writing.record(GUILD, record)

    (play,) = await history.recent(database, BOT, GUILD)
    assert (play.title, play.heard, play.end_reason) == ("A tone", 60_000, "finished")


async def test_settings_are_kept_and_read(database: Database) -> None:
    settings = GuildSettings(dj_role_id=3, version=1)
    async with behind(database, World()) as writing:
        assert await writing.settings(GUILD) == GuildSettings()
        assert await writing.save_settings(GUILD, settings, epoch=1)
        assert await writing.settings(GUILD) == settings


async def test_caches_hear_of_what_was_written_and_of_nothing_else(database: Database) -> None:
    new, old = World(), World()
    old.epoch = 99
    async with behind(database, new) as writing, behind(database, old) as late:
        await writing.save(GUILD)
        await late.save(GUILD)

    assert new.stored == [GUILD]
    assert old.stored == []


async def test_who_plays_is_noted_with_the_next_batch(database: Database) -> None:
    async with behind(database, World()) as writing:
        for number in range(3):
            writing.note(Note(key=f"{number}", user_id=5, locale="de"))
        found = await until(lambda: profiles.load(database, BOT, 5))

    assert found == profiles.Profile(user_id=5, locale="de", plays=3)


async def test_a_deed_is_written_once_with_its_own_time(database: Database) -> None:
    deed = Audit(key="77", action="player.stopped", user_id=5, at=1_700_000_000_000)
    async with behind(database, World()) as writing:
        await writing.audit(GUILD, deed)
        await writing.audit(GUILD, deed)

    (found,) = await audit.recent(database, BOT, GUILD)
    assert (found.action, found.actor_id) == ("player.stopped", 5)
    assert found.at is not None
    assert found.at.timestamp() == 1_700_000_000
