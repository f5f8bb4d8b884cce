import asyncio
import re

import pytest
from yarl import URL

from legato.api import app
from legato.api.settings import Settings
from legato.settings import Secret
from legato.store.schema import WrongSchema
from support_waiting import PATIENCE

PLAYER = "/api/v1/guilds/81384788765712384/player"


async def test_the_description_is_served_to_programs_and_people(api):
    status, description = await api.get("/schema/openapi.json")
    async with api.client.get("/schema") as answer:
        page = await answer.text()

    assert status == 200
    assert sorted(description["paths"]) == [
        "/api/v1/guilds/{guild_id}/player",
        "/api/v1/guilds/{guild_id}/queue",
    ]
    assert set(description["components"]["securitySchemes"]) == {"bearer", "header"}
    assert "GET /api/v1/guilds/{guild_id}/queue" in page
    assert "<code>X-API-Key</code>" in page
    assert f"Bearer legato_…&quot; http://127.0.0.1:{api.app.pages.port}{PLAYER}</pre>" in page
    assert "https://" not in page


@pytest.mark.parametrize("address", ["/schema", "/schema/"])
async def test_every_link_of_the_description_leads_somewhere(api, address):
    async with api.client.get(address) as answer:
        page, home = await answer.text(), answer.url
    links = re.findall(r'href="([^"]+)"', page)

    assert links
    for link in links:
        async with api.client.get(home.join(URL(link))) as answer:
            assert answer.status == 200


async def test_it_becomes_ready_and_names_its_dependencies(api):
    async with asyncio.timeout(PATIENCE):
        while (await api.get("/ready"))[0] != 200:
            await asyncio.sleep(0.01)
    status, report = await api.get("/health")

    assert status == 200
    assert set(report["dependencies"]) == {"redis", "postgres", "event_loop"}
    assert report["dependencies"]["postgres"]["status"] == "healthy"


async def test_requests_are_measured_by_route(api):
    await api.get(PLAYER)
    async with api.client.get("/metrics") as answer:
        metrics = await answer.text()

    assert (
        'legato_api_request_seconds_count{method="GET",'
        'route="/api/v1/guilds/{guild_id}/player",status="404"} 1.0'
    ) in metrics
    assert "legato_api_database_connections" in metrics


async def test_an_unknown_page_is_a_problem_too(api):
    status, problem = await api.get("/nope")

    assert (status, problem["code"]) == (404, "no_such_page")


async def test_a_bug_is_logged_and_not_shown(api, monkeypatch):
    async def broken(*_args):
        raise ZeroDivisionError("hunter2")

    monkeypatch.setattr("legato.api.players.Players.live", broken)
    status, problem = await api.get(PLAYER)

    assert (status, problem["code"]) == (500, "internal")
    assert "hunter2" not in str(problem)


async def test_it_refuses_a_schema_that_is_not_its_own(redis_url, empty_database_url):
    built = app.build(
        Settings(
            redis_url=Secret(redis_url),
            database_url=Secret(empty_database_url),
            discord_application_id=1,
            api_port=0,
        )
    )
    with pytest.raises(ExceptionGroup) as raised:
        await built.run(asyncio.Event())

    assert raised.group_contains(WrongSchema, match="Run: legato migrate")
