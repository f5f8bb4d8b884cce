from legato.store import audit
from legato.store.audit import Entry


async def test_a_deed_is_written_once_and_read_newest_first(database):
    first = Entry(event_id="1", action="settings.changed", actor_id=7, guild_id=5)
    second = Entry(event_id="2", action="settings.changed", guild_id=5, detail={"dj": 3})

    assert await audit.add(database, 1, first)
    assert not await audit.add(database, 1, first)
    assert await audit.add(database, 1, second)

    found = await audit.recent(database, 1, 5)
    assert [entry.event_id for entry in found] == ["2", "1"]
    assert found[0].detail == {"dj": 3}
    assert found[0].at is not None
