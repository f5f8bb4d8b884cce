from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import text

from legato.contracts import keys
from legato.contracts.fleet import Observed
from legato.contracts.partitions import Partition, Shard
from legato.contracts.tracks import QueueItem
from legato.store import audit, history, queues
from legato.store.audit import Entry
from legato.store.history import Play
from legato.store.queues import StoredPlayer
from legato.worker.jobs import cleanup
from support_counting import counted_commands, counted_statements

BOT = 111
NOW = datetime.now(UTC)
HERE = Partition(BOT, "default", 3)


def play(number: int, age: timedelta) -> Play:
    return Play(
        bot_id=BOT,
        guild_id=5,
        play_id=f"p{number}",
        title="A",
        end_reason="finished",
        started_at=NOW - age,
    )


async def age_players(database) -> None:
    async with database.session() as session:
        await session.execute(text("UPDATE queue SET updated_at = now() - interval '31 days'"))


async def test_old_rows_go_and_the_others_stay(means, lines):
    await history.add(means.database, [play(1, timedelta(days=91)), play(2, timedelta(days=89))])
    await audit.add(means.database, BOT, Entry(event_id="1", action="x", guild_id=5))
    waiting = QueueItem(id="i", rank=1, requester_id=1, added_at=1)
    await queues.save(
        means.database,
        [
            StoredPlayer(bot_id=BOT, guild_id=6, region="default", epoch=1, version=1),
            StoredPlayer(
                bot_id=BOT, guild_id=7, region="default", epoch=1, version=1, items=(waiting,)
            ),
        ],
    )
    await age_players(means.database)

    assert await cleanup.run(means) == "Removed 2 rows and 0 keys."

    assert [one.play_id for one in await history.recent(means.database, BOT, 5)] == ["p2"]
    assert set(await queues.load(means.database, BOT, [6, 7])) == {7}
    assert lines[-1] == "removed 2 rows, now empty players"
    assert await cleanup.run(means) == "Removed 0 rows and 0 keys."


async def test_more_rows_than_a_bite_go_too(means):
    await history.add(means.database, [play(number, timedelta(days=100)) for number in range(2500)])

    assert await cleanup.run(means) == "Removed 2500 rows and 0 keys."


async def test_orphaned_keys_go_and_owned_ones_stay(means, redis):
    await redis.hset(keys.items(HERE, 5), "i", "{}")
    await redis.hset(keys.outbox(HERE, 5), "e", "{}")
    for guild, index in ((6, keys.guilds(HERE)), (7, keys.pending(HERE))):
        await redis.sadd(index, guild)
        await redis.hset(keys.items(HERE, guild), "i", "{}")
    await redis.hset(keys.layout(BOT), "shards", 2)
    for count in (1, 2):
        await redis.hset(keys.gateway_session(Shard(BOT, 0, count)), "seq", 1)
    for name, at in (("old", 1), ("new", round(NOW.timestamp() * 1000))):
        report = Observed(member=name, component="audio", at=at)
        await redis.hset(keys.observed(BOT), name, msgspec.json.encode(report))
    await redis.set("{222:default:p3}:g:5:items", "another bot's")

    assert await cleanup.run(means) == "Removed 0 rows and 4 keys."

    assert sorted(await redis.keys("{111*:[gs]*")) == sorted(
        key.encode()
        for key in (
            keys.guilds(HERE),
            keys.items(HERE, 6),
            keys.items(HERE, 7),
            keys.gateway_session(Shard(BOT, 0, 2)),
        )
    )
    assert await redis.hkeys(keys.observed(BOT)) == [b"new"]
    assert await redis.exists("{222:default:p3}:g:5:items")


async def test_what_a_run_with_nothing_to_do_costs(means, redis):
    async with counted_commands(redis) as commands:
        with counted_statements(means.database) as statements:
            await cleanup.run(means)

    assert len(statements) == 5
    assert commands == {"scan": 1, "hget": 1, "hgetall": 1}
