from datetime import UTC, datetime

from legato.store import history
from legato.store import usage as stored
from legato.store.history import Play
from legato.worker.jobs import usage
from support_counting import counted_commands, counted_statements


def play(number: int, when: datetime) -> Play:
    return Play(
        bot_id=1,
        guild_id=5,
        play_id=f"p{number}",
        title="A",
        heard=1000,
        end_reason="finished",
        started_at=when,
    )


async def test_today_and_yesterday_are_counted_again_to_the_same(means_at, lines, redis):
    means = means_at(datetime(2026, 3, 2, 1, tzinfo=UTC))
    await history.add(
        means.database,
        [
            play(1, datetime(2026, 3, 1, 23, tzinfo=UTC)),
            play(2, datetime(2026, 3, 2, 0, tzinfo=UTC)),
            play(3, datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ],
    )
    async with counted_commands(redis) as commands:
        with counted_statements(means.database) as statements:
            said = await usage.run(means)
    assert len(statements) == 2
    assert commands == {}
    assert said == "Counted 2026-03-01: 1 guilds, 2026-03-02: 1 guilds."

    assert await usage.run(means) == said
    days = await stored.of_guild(means.database, 1, 5)
    assert [(str(day.day), day.plays) for day in days] == [("2026-03-02", 1), ("2026-03-01", 1)]
    assert lines[0] == "counted 2026-03-01: 1 guilds"
