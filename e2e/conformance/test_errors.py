"""Refusals and their JSON."""

import time

import aiohttp
import pytest

from conformance import inventory
from conformance.citing import documented
from conformance.client import NAME, Client
from conformance.guild import Guild
from conformance.server import Server

UNKNOWN = "/v4/sessions/nosuchsession0000/players/1"


@pytest.mark.parametrize("path", ["/version", "/v4/info", "/v4/stats", "/v4/loadtracks"])
@documented("Most routes require the `Authorization` header", "rest.md")
async def test_a_missing_password_is_401(server: Server, path: str) -> None:
    answer = await server.ask("GET", path, params={"identifier": "x"}, password=None)
    assert answer.status == 401


@pytest.mark.parametrize("path", ["/version", "/v4/info", "/v4/stats"])
@documented("RequestAuthorizationFilter.kt: a wrong `Authorization` is FORBIDDEN", "server")
async def test_a_wrong_password_is_403(server: Server, path: str) -> None:
    assert (await server.ask("GET", path, password="wrong")).status == 403


@documented("it will respond with a JSON object containing more information", "rest.md")
async def test_an_error_is_json(server: Server) -> None:
    before = time.time()
    error = (await server.get(UNKNOWN)).refused(404)
    assert error.error == "Not Found"
    assert error.message == "Session not found"
    assert error.path == UNKNOWN
    assert abs(error.timestamp / 1000 - before) < 60


@documented("Include the `trace=true` query param to also receive the full stack trace", "rest.md")
async def test_a_trace_comes_only_when_asked_for(server: Server) -> None:
    assert not (await server.get(UNKNOWN)).refused(404).trace
    traced = (await server.get(UNKNOWN, trace="true")).refused(404)
    assert isinstance(traced.trace, str)
    assert traced.trace


@pytest.mark.parametrize("route", [route for route in inventory.ROUTES if route[-8:] != "/version"])
@documented("Most routes require the `Authorization` header", "rest.md")
async def test_every_route_asks_for_the_password(server: Server, route: str) -> None:
    method, _, path = route.partition(" ")
    answer = await server.ask(method, path.replace("*", "1"), password=None)
    assert answer.status == 401


@documented("Routes without an API prefix were removed in v4 (except `/version`)", "rest.md")
async def test_an_unknown_route_is_404(server: Server) -> None:
    for path in ("/loadtracks", "/v4/nothing"):
        (await server.get(path)).refused(404)


@documented("Decodes multiple tracks into their info: POST /v4/decodetracks", "rest.md")
async def test_a_wrong_method_is_405(server: Server) -> None:
    (await server.ask("DELETE", "/v4/decodetracks")).refused(405)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"volume": "loud"}', b'{"paused": 3}'])
@documented("Updates or creates the player for this guild if it doesn't already exist.", "rest.md")
async def test_a_malformed_body_is_400(client: Client, guild: Guild, body: bytes) -> None:
    (await guild.ask(body)).refused(400)
    assert await client.players() == []


@documented("The guild id of the player", "rest.md")
async def test_a_guild_id_that_is_no_number_is_400(client: Client) -> None:
    path = f"{client.path}/players/guild"
    (await client.server.get(path)).refused(400)


async def _refused_handshake(server: Server, headers: dict[str, str]) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await server.http.ws_connect(server.target.url + "/v4/websocket", headers=headers)
    return refused.value.status


@documented("you must supply 3 required headers", "websocket.md")
async def test_a_websocket_needs_the_password(server: Server) -> None:
    own = {"User-Id": "1", "Client-Name": NAME}
    assert await _refused_handshake(server, own) in {401, 403}
    assert await _refused_handshake(server, {**own, "Authorization": "wrong"}) in {401, 403}


@documented("`User-Id`: The user id of the bot", "websocket.md")
async def test_a_websocket_needs_a_user(server: Server) -> None:
    own = {"Authorization": server.target.password, "Client-Name": NAME}
    assert await _refused_handshake(server, own) == 400
    assert await _refused_handshake(server, {**own, "User-Id": "nobody"}) == 400
