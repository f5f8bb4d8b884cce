"""Resuming sessions, and its corner cases."""

import asyncio
import time

from conformance import shapes
from conformance.citing import documented
from conformance.client import Client, Connect
from conformance.differences import Differs, Way
from conformance.guild import Guild
from conformance.lost_socket import LostSocket
from conformance.server import Server
from conformance.surroundings import Surroundings, fresh_id

SONG, SHORT = "tone-1-60s.webm", "tone-4-2s.webm"
TAKERS = 3


async def _gone(server: Server, session: str) -> None:
    """Wait until REST does not know a session (any more)."""
    for _ in range(100):
        if (await server.get(f"/v4/sessions/{session}/players")).status == 404:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("REST still knows the session")


async def _again(connect: Connect, client: Client) -> Client:
    """Close a client and come back with its session."""
    await client.close()
    await _gone(client.server, client.session)
    return await connect(client.session, client.user)


@documented("If resuming is disabled all voice connections are closed immediately.", "index.md")
async def test_without_resuming_everything_ends(connect: Connect, guild: Guild) -> None:
    client = guild.client
    await guild.play(SONG)
    await guild.frames(10)
    again = await _again(connect, client)
    assert not again.ready.resumed
    assert again.session != client.session
    await client.server.patience.until(lambda: guild.connection() is None, "voice left")
    assert await again.players() == []


@documented("If resuming is enabled all music will continue playing.", "index.md")
async def test_a_resumed_session_played_on(connect: Connect, guild: Guild) -> None:
    client = guild.client
    await client.resuming()
    await guild.play(SONG, volume=80)
    await guild.frames(10)
    again = await _again(connect, client)
    assert (again.ready.resumed, again.session) == (True, client.session)
    players = await again.players()
    assert [(one.guild_id, one.volume) for one in players] == [(str(guild.id), 80)]
    assert players[0].state.connected
    await guild.frames(30)
    found = guild.moments()
    assert (found.skipped_ms, found.repeated_ms) == (0, 0)


@documented("the handshake response header `Session-Resumed`", "index.md")
async def test_the_handshake_tells_whether_it_resumes(connect: Connect, client: Client) -> None:
    await client.resuming()
    again = await _again(connect, client)
    assert (client.resumed_header, again.resumed_header) == ("false", "true")


@documented("dropped, reset or closed socket: resumed", "measured")
async def test_a_reset_connection_can_be_resumed(
    server: Server, connect: Connect, around: Surroundings
) -> None:
    user = fresh_id()
    lost = await LostSocket.connect(server, user)
    path = f"/v4/sessions/{lost.session}"
    (await server.ask("PATCH", path, {"resuming": True})).be(shapes.Session)
    lost.break_off()
    await _gone(server, lost.session)
    again = await connect(lost.session, user)
    assert (again.ready.resumed, again.session) == (True, lost.session)


@documented("any events that would normally have been sent are queued up", "index.md")
async def test_missed_events_are_replayed_in_order(connect: Connect, guild: Guild) -> None:
    client = guild.client
    await client.resuming()
    other = Guild.made(client, guild.around)
    await other.start(SONG)
    await guild.play(SHORT)
    await guild.frames(10)
    await client.close()
    await guild.quiet()
    again = await connect(client.session, client.user)
    await client.server.patience.until(lambda: "end:finished" in again.events(guild.id), "replay")
    assert again.events(guild.id) == ["end:finished"]
    assert again.events(other.id) == []
    assert isinstance(again.messages[0], shapes.Ready)


@documented("playerUpdates are not queued, one fresh one per player comes", "measured")
async def test_one_fresh_update_comes_per_player(connect: Connect, guild: Guild) -> None:
    client = guild.client
    await client.resuming()
    await guild.play(SONG)
    await guild.frames(10)
    await client.close()
    await guild.frames(75)
    before = time.time()
    again = await connect(client.session, client.user)
    updates = await client.server.patience.until(
        lambda: again.of(shapes.PlayerUpdate, guild.id), "a playerUpdate", 2
    )
    assert updates[0].state.time / 1000 >= before - 1
    assert updates[0].state.position >= 1_000
    assert len(updates) <= 2


@documented("While no socket is open: REST on that id answers 404", "measured")
async def test_a_waiting_session_is_not_there_for_rest(guild: Guild) -> None:
    client = guild.client
    await client.resuming()
    await guild.play(SONG)
    await client.close()
    await _gone(client.server, client.session)
    (await guild.ask({"paused": True})).refused(404)
    (await client.update({"resuming": False})).refused(404)
    assert guild.connection() is not None


@documented("/v4/stats doesn't count its players, though they play", "measured")
async def test_a_waiting_sessions_players_are_not_counted(connect: Connect, guild: Guild) -> None:
    client, server = guild.client, guild.client.server
    before = (await server.stats()).players
    await client.resuming()
    await guild.patch()
    assert (await server.stats()).players == before + 1
    await client.close()
    await _gone(server, client.session)
    assert (await server.stats()).players == before
    await connect(client.session, client.user)
    assert (await server.stats()).players == before + 1


@documented("The timeout in seconds (default is 60s)", "rest.md")
async def test_a_session_waits_no_longer_than_its_timeout(connect: Connect, guild: Guild) -> None:
    client = guild.client
    await client.resuming(timeout=1)
    await guild.play(SONG)
    await guild.frames(10)
    await client.close()
    await client.server.patience.until(lambda: guild.connection() is None, "voice left")
    again = await connect(client.session, client.user)
    assert not again.ready.resumed
    assert again.session != client.session
    assert await again.players() == []


@documented("`Session-Id`: The id of the previous session to resume", "websocket.md")
async def test_an_unknown_session_is_a_new_one(connect: Connect) -> None:
    client = await connect("nosuchsession0000")
    assert not client.ready.resumed
    assert client.session != "nosuchsession0000"


@documented("a session becomes resumable only after its WS has closed", "measured")
async def test_an_open_session_is_not_taken_over(connect: Connect, guild: Guild) -> None:
    client = guild.client
    await client.resuming()
    await guild.patch(volume=33)
    other = await connect(client.session, client.user)
    assert not other.ready.resumed
    assert other.session != client.session
    assert await other.players() == []
    assert (await guild.patch(paused=True)).volume == 33


@documented("Of three takers at once exactly one wins.", "measured")
async def test_only_one_of_several_takers_wins(connect: Connect, client: Client) -> None:
    await client.resuming()
    await client.close()
    await _gone(client.server, client.session)
    takers = [connect(client.session, client.user) for _ in range(TAKERS)]
    found = await asyncio.gather(*takers)
    assert sorted(one.ready.resumed for one in found) == [False, False, True]
    assert len({one.session for one in found}) == TAKERS


@documented("To resume a session, specify the session id", "index.md")
async def test_a_session_can_be_resumed_again_and_again(connect: Connect, client: Client) -> None:
    await client.resuming()
    session = client.session
    for _ in range(3):
        client = await _again(connect, client)
        assert (client.ready.resumed, client.session) == (True, session)


@documented("Whether resuming is enabled for this session or not", "rest.md")
async def test_resuming_can_be_turned_off_again(connect: Connect, client: Client) -> None:
    await client.resuming()
    await client.update({"resuming": False})
    assert not (await _again(connect, client)).ready.resumed


@documented("SocketServer.kt: the session id alone is compared", "server")
async def test_another_users_session(connect: Connect, client: Client, differs: Differs) -> None:
    await client.resuming()
    await client.close()
    await _gone(client.server, client.session)
    other = await connect(client.session, fresh_id())
    if other.ready.resumed:
        differs("foreign-session", Way.OFFICIAL)
    else:
        assert other.session != client.session
        differs("foreign-session", Way.EMBEDDED)


@documented("Half-open socket: a new connection gets `resumed: false` and a new id", "measured")
async def test_a_half_open_socket(server: Server, connect: Connect, differs: Differs) -> None:
    user = fresh_id()
    lost = await LostSocket.connect(server, user)
    path = f"/v4/sessions/{lost.session}"
    (await server.ask("PATCH", path, {"resuming": True})).be(shapes.Session)
    other = await connect(lost.session, user)
    assert not other.ready.resumed
    assert (await server.get(f"{path}/players")).status == 200
    try:
        await _gone(server, lost.session)
    except AssertionError:
        differs("half-open", Way.OFFICIAL)
    else:
        assert (await connect(lost.session, user)).ready.resumed
        differs("half-open", Way.EMBEDDED)
    lost.break_off()
