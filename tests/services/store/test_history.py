from datetime import UTC, datetime, timedelta

from legato.store import history
from legato.store.history import Play

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def play(number: int) -> Play:
    return Play(
        bot_id=1,
        guild_id=5,
        play_id=f"p{number}",
        title="A",
        length=1000,
        heard=900,
        end_reason="finished",
        started_at=NOW + timedelta(minutes=number),
    )


async def test_a_play_is_written_once_however_often_it_is_told(database):
    assert await history.add(database, [play(1), play(2)]) == 2
    assert await history.add(database, [play(2), play(3)]) == 1
    assert await history.add(database, []) == 0

    assert await history.recent(database, 1, 5, limit=2) == [play(3), play(2)]
