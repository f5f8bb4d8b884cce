from datetime import timedelta

import pytest
from sqlalchemy import text

from legato.store import apikeys
from legato.store.apikeys import Grant
from support_counting import counted_statements


async def test_a_key_is_found_by_what_was_shown_once(database):
    made, shown = await apikeys.create(database, 1, Grant(name="wall", guild_ids=(5,)))

    with counted_statements(database) as statements:
        found = await apikeys.find(database, shown.reveal())

    assert len(statements) == 1
    assert found is not None
    assert (found.id, found.name, found.guild_ids) == (made.id, "wall", (5,))
    assert found.last_used_at is not None


async def test_the_database_holds_no_key(database):
    _, shown = await apikeys.create(database, 1, Grant(name="wall"))

    async with database.session() as session:
        row = (await session.execute(text("SELECT to_jsonb(k)::text FROM api_key k"))).scalar_one()

    assert shown.reveal().rpartition("_")[2] not in row


async def test_a_wrong_revoked_or_expired_key_is_none(database):
    key, shown = await apikeys.create(database, 1, Grant(name="a"))
    _, old = await apikeys.create(database, 1, Grant(name="b", valid=timedelta(seconds=-1)))
    assert await apikeys.revoke(database, key.id)
    assert not await apikeys.revoke(database, key.id)

    for wrong in (shown.reveal(), old.reveal(), "legato_x_y", ""):
        assert await apikeys.find(database, wrong) is None


@pytest.mark.parametrize(
    ("scope", "guild", "allowed"),
    [("queue:read", 5, True), ("queue:read", 6, False), ("player:read", 5, False)],
)
async def test_a_key_reaches_as_far_as_it_was_granted(database, scope, guild, allowed):
    key, _ = await apikeys.create(
        database, 1, Grant(name="a", scopes=("queue:read",), guild_ids=(5,))
    )

    assert key.allows(scope, guild) is allowed
