import msgspec
import pytest

from legato.contracts import keys
from legato.contracts.partitions import partition_of
from legato.contracts.tracks import NowPlaying, QueueItem, Track
from legato.layout import Layout
from legato.store import queues
from legato.store.queues import StoredPlayer
from support_counting import counted_commands, counted_statements

BOT, GUILD = 111, 81384788765712384
TRACK = Track(encoded="Q", title="Night drive", author="Legato", length=180_000)
PLAYER, QUEUE = f"/api/v1/guilds/{GUILD}/player", f"/api/v1/guilds/{GUILD}/queue"
ZEROS = "0" * 20 + str(GUILD)
LIMITER = {"evalsha": 1, "time": 1, "hmget": 1, "get": 1, "set": 1}
"""What the limiter's one call does on the server; nothing of it is another way there and back."""


def item(number: int) -> QueueItem:
    return QueueItem(id=f"i{number}", rank=number, track=TRACK, requester_id=2**60, added_at=5)


@pytest.fixture
async def live(redis):
    now = NowPlaying(
        guild_id=GUILD,
        revision=1,
        as_of=1_700_000_000_000,
        voice_channel_id=77,
        track=TRACK,
        requester_id=2**60,
        position=1500,
        queue_length=3,
    )
    await redis.set(keys.live(BOT, GUILD), msgspec.json.encode(now))
    await Layout(redis, BOT).bind_partitions("default", 32)
    partition = partition_of(GUILD, bot=BOT, region="default", count=32)
    items = {f"i{n}": msgspec.json.encode(item(n)) for n in (3, 1, 2)}
    await redis.hset(keys.items(partition, GUILD), mapping=items)


@pytest.fixture
async def stored(api):
    player = StoredPlayer(
        bot_id=BOT,
        guild_id=GUILD,
        region="default",
        epoch=1,
        version=1,
        track=TRACK,
        position=900,
        pause_reasons=("user",),
        items=(item(1),),
    )
    await queues.save(api.database, [player])


@pytest.mark.usefixtures("live")
async def test_a_running_player_is_shown_from_redis(api):
    status, player = await api.get(PLAYER)

    assert status == 200
    assert player == {
        "guild_id": str(GUILD),
        "live": True,
        "as_of": 1_700_000_000_000,
        "voice_channel_id": "77",
        "track": {
            "title": "Night drive",
            "author": "Legato",
            "uri": None,
            "artwork_url": None,
            "source_name": "http",
            "length_ms": 180_000,
        },
        "requester_id": str(2**60),
        "position_ms": 1500,
        "paused": False,
        "pause_reasons": [],
        "volume": 100,
        "queue_length": 3,
    }


@pytest.mark.usefixtures("live")
async def test_a_live_queue_comes_in_order_page_by_page(api):
    _, first = await api.get(QUEUE)
    _, second = await api.get(f"{QUEUE}?page=2")

    assert [(one["id"], one["place"]) for one in first["items"]] == [("i1", 1), ("i2", 2)]
    assert [(one["id"], one["place"]) for one in second["items"]] == [("i3", 3)]
    assert (second["total"], second["pages"], second["live"]) == (3, 2, True)


@pytest.mark.usefixtures("stored")
async def test_a_player_that_does_not_run_is_shown_as_last_written_down(api):
    _, player = await api.get(PLAYER)
    _, queue = await api.get(QUEUE)

    assert (player["live"], player["position_ms"], player["paused"]) == (False, 900, True)
    assert (queue["live"], queue["total"]) == (False, 1)


async def test_a_guild_without_a_player_is_not_found(api):
    status, problem = await api.get(PLAYER)

    assert (status, problem["code"]) == (404, "no_player")
    assert "/play" in problem["detail"]
    assert len(problem["trace_id"]) == 32


@pytest.mark.usefixtures("live")
async def test_what_a_request_costs_when_the_player_runs(api, redis):
    # The first request looks the key and the partition count up.
    await api.get(PLAYER)
    await api.get(QUEUE)

    with counted_statements(api.database) as statements:
        async with counted_commands(redis) as commands:
            await api.get(PLAYER)
        assert commands == LIMITER | {"get": 2}
        async with counted_commands(redis) as commands:
            await api.get(QUEUE)
        assert commands == LIMITER | {"exists": 1, "hget": 1, "hvals": 1}
    assert len(statements) == 0


@pytest.mark.usefixtures("stored")
async def test_what_a_request_costs_when_the_player_is_only_stored(api):
    with counted_statements(api.database) as statements:
        await api.get(PLAYER)
    # The key; the head and the items.
    assert len(statements) == 3

    with counted_statements(api.database) as statements:
        await api.get(PLAYER)
        await api.get(QUEUE)
    assert len(statements) == 0


@pytest.mark.parametrize(
    "guild",
    ["abc", "0", "99999999999999999999", "-1", "1.5", "²", ZEROS, "9" * 5000, "0" * 5000],
    ids=lambda guild: guild[:24],
)
async def test_what_is_no_guilds_id_is_refused(api, guild):
    status, problem = await api.get(f"/api/v1/guilds/{guild}/player")

    assert (status, problem["code"]) == (400, "bad_guild")


@pytest.mark.parametrize("page", ["zero", "0", "-1", "1.5", "100001", ""])
async def test_a_page_that_is_no_number_from_one_on_is_refused(api, page):
    status, problem = await api.get(f"{QUEUE}?page={page}")

    assert (status, problem["code"]) == (400, "bad_page")
    assert problem["detail"] == "A page is a whole number from 1 to 100000."
