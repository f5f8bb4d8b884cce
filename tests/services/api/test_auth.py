import pytest

from legato.api import auth
from legato.errors import Rejected
from legato.store import apikeys
from support_counting import counted_statements

GUILD = 81384788765712384
PLAYER, QUEUE = f"/api/v1/guilds/{GUILD}/player", f"/api/v1/guilds/{GUILD}/queue"


async def test_a_request_without_a_key_is_told_how_to_send_one(api):
    async with api.client.get(PLAYER) as answer:
        problem = await answer.json(content_type=None)

    assert answer.status == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="legato"'
    assert problem["code"] == "no_key"


async def test_either_header_carries_the_key(api):
    for headers in ({"X-API-Key": api.key}, {"Authorization": f"bearer {api.key}"}):
        status, _ = await api.get(PLAYER, **headers)
        assert status == 404


async def test_nonsense_costs_the_database_nothing(api):
    with counted_statements(api.database) as statements:
        status, problem = await api.get(PLAYER, **{"X-API-Key": "hunter2"})

    assert (status, problem["code"], statements) == (401, "wrong_key", [])


async def test_a_key_reaches_only_its_scopes_and_guilds(api):
    reads_queues = await api.grant(scopes=("queue:read",))
    elsewhere = await api.grant(guild_ids=(5,))

    for key, path in ((reads_queues, PLAYER), (elsewhere, QUEUE)):
        status, problem = await api.get(path, **{"X-API-Key": key})
        assert (status, problem["code"]) == (403, "not_allowed")


async def test_who_asks_too_often_is_told_when_to_come_again(api):
    key = await api.grant(requests_per_minute=2)
    statuses = []
    for _ in range(3):
        async with api.client.get(PLAYER, headers={"X-API-Key": key}) as answer:
            statuses.append(answer.status)

    assert statuses == [404, 404, 429]
    assert 1 <= int(answer.headers["Retry-After"]) <= 31


async def test_a_revoked_key_works_for_seconds_at_most(api, monkeypatch):
    key = await api.grant()
    await api.get(PLAYER, **{"X-API-Key": key})
    await apikeys.revoke(api.database, key.split("_")[1])
    monkeypatch.setattr(auth, "_KEPT_SECONDS", 0)

    status, _ = await api.get(PLAYER, **{"X-API-Key": key})

    assert status == 401


@pytest.mark.parametrize("authorization", [None, "", "Basic abc", "Bearer "])
def test_no_key_is_no_key(authorization):
    with pytest.raises(Rejected, match="no_key"):
        auth.shown_key(authorization, None)
