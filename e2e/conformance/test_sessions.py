"""Sessions and their settings."""

from conformance import shapes
from conformance.citing import documented
from conformance.client import Client, Connect
from conformance.server import Server


@documented("The Lavalink session id of this connection", "websocket.md")
async def test_each_connection_has_a_session_of_its_own(connect: Connect) -> None:
    one, other = await connect(), await connect()
    assert not one.ready.resumed
    assert not other.ready.resumed
    assert one.session != other.session


@documented("The timeout in seconds (default is 60s)", "rest.md")
async def test_a_new_session_waits_for_nobody(client: Client) -> None:
    found = (await client.update({})).be(shapes.Session)
    assert (found.resuming, found.timeout) == (False, 60)


@documented("Updates the session with the resuming state and timeout.", "rest.md")
async def test_resuming_and_timeout_are_set(client: Client) -> None:
    found = (await client.update({"resuming": True, "timeout": 7})).be(shapes.Session)
    assert (found.resuming, found.timeout) == (True, 7)


@documented("Fields marked with `?` are optional", "index.md")
async def test_what_is_left_out_stays(client: Client) -> None:
    await client.update({"resuming": True})
    found = (await client.update({"timeout": 9})).be(shapes.Session)
    assert (found.resuming, found.timeout) == (True, 9)
    found = (await client.update({"resuming": False})).be(shapes.Session)
    assert (found.resuming, found.timeout) == (False, 9)


@documented("Returns a list of players in this specific session.", "rest.md")
async def test_a_new_session_has_no_players(client: Client) -> None:
    assert await client.players() == []


@documented("`sessionId` in the path should be the value from the ready op", "rest.md")
async def test_an_unknown_session_is_404(server: Server) -> None:
    path = "/v4/sessions/nosuchsession0000"
    (await server.ask("PATCH", path, {"resuming": True})).refused(404)
    (await server.get(f"{path}/players")).refused(404)
    (await server.ask("PATCH", f"{path}/players/1", {})).refused(404)
    (await server.ask("DELETE", f"{path}/players/1")).refused(404)


@documented("`/v4/websocket` does not accept any messages anymore.", "index.md")
async def test_messages_of_a_client_do_nothing(client: Client) -> None:
    await client.socket.send_str('{"op": "play", "guildId": "1"}')
    assert await client.players() == []
