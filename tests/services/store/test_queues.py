import asyncio
import json

import pytest

from legato.contracts.partitions import Partition, partition_of
from legato.contracts.tracks import QueueItem, Track
from legato.store import queues
from legato.store.queues import StoredPlayer
from support_counting import counted_statements

BOT, GUILD = 1, 81384788765712384
TRACK = Track(encoded="QAAA", title="A title 🎵", length=1000)


def item(number: int, rank: int | None = None) -> QueueItem:
    return QueueItem(
        id=f"i{number}",
        rank=number if rank is None else rank,
        query=f"q{number}",
        track=None if number % 2 else TRACK,
        requester_id=7,
        added_at=1_700_000_000_000 + number,
    )


def player(version: int, *, epoch: int = 1, guild_id: int = GUILD, **more) -> StoredPlayer:
    return StoredPlayer(
        bot_id=BOT, guild_id=guild_id, region="default", epoch=epoch, version=version, **more
    )


@pytest.fixture
def track():
    return Track(encoded="QAAA", title="A title 🎵", length=1000)


async def test_a_player_comes_back_as_it_was_saved(database, track):
    whole = player(
        3,
        voice_channel_id=2**63 - 1,
        text_channel_id=5,
        panel_message_id=6,
        track=track,
        play_id="p1",
        requester_id=7,
        position=1234,
        position_at=1_700_000_000_123,
        pause_reasons=("user", "node"),
        volume=150,
        items=tuple(
            QueueItem(id=f"i{n}", rank=n * 10, query="q", track=track, requester_id=7, added_at=n)
            for n in range(5)
        ),
        state=b'{"a":[1,2]}',
    )
    await queues.save(database, [whole])

    assert await queues.load(database, BOT, [GUILD]) == {GUILD: whole}


async def test_saving_or_loading_many_players_is_two_statements(database):
    many = [player(1, guild_id=guild, items=(item(1),)) for guild in range(1, 51)]
    with counted_statements(database) as statements:
        assert await queues.save(database, many) == set(range(1, 51))
    assert len(statements) == 2

    with counted_statements(database) as statements:
        assert len(await queues.load(database, BOT, range(1, 51))) == 50
    assert len(statements) == 2


@pytest.mark.parametrize(
    ("epoch", "version", "written"), [(1, 6, True), (2, 1, True), (1, 5, False), (0, 9, False)]
)
async def test_only_a_newer_epoch_or_version_replaces_a_player(database, epoch, version, written):
    await queues.save(database, [player(5, items=(item(1), item(3)))])

    saved = await queues.save(database, [player(version, epoch=epoch, items=(item(5),))])

    assert saved == ({GUILD} if written else set())
    found = (await queues.load(database, BOT, [GUILD]))[GUILD]
    assert [one.id for one in found.items] == (["i5"] if written else ["i1", "i3"])


async def test_a_new_order_swaps_ranks_in_one_statement(database):
    await queues.save(database, [player(1, items=(item(1, 1), item(3, 2), item(5, 3)))])

    await queues.save(database, [player(2, items=(item(5, 1), item(7, 2), item(1, 3)))])

    found = (await queues.load(database, BOT, [GUILD]))[GUILD]
    assert [(one.id, one.rank) for one in found.items] == [("i5", 1), ("i7", 2), ("i1", 3)]


async def test_writers_at_once_leave_the_newest(database):
    await asyncio.gather(
        *(
            queues.save(database, [player(version, items=(item(version),))])
            for version in (3, 9, 1, 7, 5)
        )
    )

    found = (await queues.load(database, BOT, [GUILD]))[GUILD]
    assert (found.version, [one.id for one in found.items]) == (9, ["i9"])


async def test_a_partition_finds_its_guilds(database):
    guilds = [number << 22 for number in range(64)]
    await queues.save(database, [player(1, guild_id=guild) for guild in guilds])
    here = Partition(BOT, "default", 5)

    found = await queues.of_partition(database, here, count=32)

    assert sorted(found) == [
        guild
        for guild in guilds
        if partition_of(guild, bot=BOT, region="default", count=32) == here
    ]


async def test_the_state_stays_json(database):
    await queues.save(database, [player(1, state=json.dumps({"ü": None}).encode())])

    found = (await queues.load(database, BOT, [GUILD]))[GUILD]
    assert json.loads(found.state) == {"ü": None}
