from datetime import UTC, date, datetime

from legato.store import history, usage
from legato.store.history import Play
from legato.store.usage import Usage
from support_counting import counted_statements

DAY = date(2026, 3, 1)


def play(number: int, when: datetime, *, reason: str = "finished", asker: int = 1) -> Play:
    return Play(
        bot_id=1,
        guild_id=5,
        play_id=f"p{number}",
        requester_id=asker,
        title="A",
        heard=1000,
        end_reason=reason,
        started_at=when,
    )


async def test_a_day_is_counted_in_utc_and_again_to_the_same(database):
    await history.add(
        database,
        [
            play(1, datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)),
            play(2, datetime(2026, 3, 1, 0, 0, 0, tzinfo=UTC)),
            play(3, datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), asker=2),
            play(4, datetime(2026, 3, 1, 12, tzinfo=UTC), reason="loadFailed"),
            play(5, datetime(2026, 3, 2, 0, 0, 0, tzinfo=UTC)),
        ],
    )
    for _ in range(2):
        with counted_statements(database) as statements:
            assert await usage.count(database, DAY) == 1
        assert len(statements) == 1

    assert await usage.of_guild(database, 1, 5) == [
        Usage(day=DAY, guild_id=5, plays=3, failures=1, requesters=2, heard=3000)
    ]
