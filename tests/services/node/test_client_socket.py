import asyncio
from pathlib import Path

import aiohttp
import pytest

from support_audio_node import PASSWORD, Client, Json, Stage
from support_waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def resuming(stage: Stage, timeout: int = 60) -> None:
    path = f"/v4/sessions/{stage.client.session}"
    status, answer = await stage.node.request("PATCH", path, {"resuming": True, "timeout": timeout})
    assert (status, answer) == (200, {"resuming": True, "timeout": timeout})


async def back(stage: Stage) -> Client:
    return await stage.node.connect(session=stage.client.session)


async def test_a_dropped_session_is_resumed_while_the_music_plays_on(stage: Stage) -> None:
    await resuming(stage)
    await stage.play("tone.opus.ogg", endTime=1500)
    await stage.frames(10)
    await stage.client.close(abort=True)
    async with asyncio.timeout(PATIENCE):
        while (await stage.node.request("GET", stage.client.path(None)))[0] != 404:
            continue
    await until(lambda: len(stage.sounding()) >= 75)
    await stage.quiet()

    client = await back(stage)

    assert client.of("ready")[0] == {
        "op": "ready",
        "resumed": True,
        "sessionId": stage.client.session,
    }
    ended = await client.event("TrackEndEvent")
    assert ended["reason"] == "finished"
    assert stage.report().unbroken
    assert len(stage.sounding()) == 75
    assert len(client.of("playerUpdate")) <= 2


async def test_a_plain_client_that_is_back_steers_the_same_player(stage: Stage) -> None:
    await resuming(stage)
    await stage.play("tone.mp3")
    await stage.frames(10)
    await stage.client.close()

    client = await back(stage)
    shown = await client.player(stage.guild)
    await client.patch({"position": 9000}, guild=stage.guild)
    await stage.frames(30)
    await client.patch({"track": {"encoded": None}}, guild=stage.guild)

    assert client.session == stage.client.session
    assert isinstance(shown["track"], dict)
    assert (await client.event("TrackEndEvent"))["reason"] == "stopped"
    assert abs(stage.moments().segments[-1].start_ms - 9000) <= 45
    assert stage.report().unbroken


async def test_an_open_session_is_not_given_to_a_second_connection(stage: Stage) -> None:
    await resuming(stage)

    other = await back(stage)

    assert other.of("ready")[0]["resumed"] is False
    assert other.session != stage.client.session
    status, _ = await stage.node.request("GET", stage.client.path(None))
    assert status == 200


async def test_of_three_takers_exactly_one_wins(stage: Stage) -> None:
    await resuming(stage)
    await stage.client.close()

    takers = await asyncio.gather(*(back(stage) for _ in range(3)))

    assert sorted(bool(taker.of("ready")[0]["resumed"]) for taker in takers) == [
        False,
        False,
        True,
    ]


async def test_without_resuming_the_players_end_with_the_socket(stage: Stage) -> None:
    await stage.play("tone.mp3")
    await stage.frames(10)

    await stage.client.close()

    await stage.quiet()
    assert not any(c.connected for c in stage.voice.connections() if c.guild_id == stage.guild)
    assert (await back(stage)).of("ready")[0]["resumed"] is False


async def test_a_session_that_waits_too_long_ends(stage: Stage) -> None:
    await resuming(stage, timeout=1)
    await stage.play("tone.mp3")
    await stage.frames(10)

    await stage.client.close()

    await stage.quiet()
    assert (await back(stage)).of("ready")[0]["resumed"] is False


async def test_a_user_id_is_needed(stage: Stage) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await stage.node.http.ws_connect(
            stage.node.url + "/v4/websocket", headers={"Authorization": PASSWORD}
        )

    assert refused.value.status == 400


async def test_what_a_client_sends_is_ignored(stage: Stage) -> None:
    await stage.client.socket.send_str("anything")
    await stage.client.socket.send_bytes(b"\0")

    await stage.patch(volume=10)


async def test_frame_statistics_are_true(stage: Stage) -> None:
    await stage.play("tone.flac")
    await until(lambda: any(s["frameStats"] for s in stage.client.of("stats")))
    await stage.frames(60)
    await stage.patch(track={"encoded": None})
    await stage.quiet()
    sent = len(stage.sounding())

    def told() -> Json:
        frames = stage.client.of("stats")[-1]["frameStats"]
        assert isinstance(frames, dict)
        return frames

    await until(lambda: told()["sent"] == sent)
    assert told() == {"sent": sent, "nulled": told()["nulled"], "deficit": 0}
    assert int(str(told()["nulled"])) <= 5


async def test_the_handshake_tells_the_apis_version_and_whether_it_resumed(stage: Stage) -> None:
    await resuming(stage)
    fresh = stage.client.socket._response.headers
    await stage.client.close()

    resumed = (await back(stage)).socket._response.headers

    assert (fresh["Session-Resumed"], fresh["Lavalink-Api-Version"]) == ("false", "4")
    assert (resumed["Session-Resumed"], resumed["Lavalink-Api-Version"]) == ("true", "4")


async def test_a_request_that_is_no_handshake_takes_no_session(stage: Stage) -> None:
    await resuming(stage)
    await stage.client.close()
    headers = {"Authorization": PASSWORD, "User-Id": "700", "Session-Id": stage.client.session}

    async with stage.node.http.get(stage.node.url + "/v4/websocket", headers=headers) as answer:
        assert answer.status == 400

    assert (await back(stage)).session == stage.client.session


async def open_socket(stage: Stage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a client's websocket by hand; nothing is read from it unless asked for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.node.port, limit=1 << 16)
    writer.write(
        b"GET /v4/websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"User-Id: 5\r\nAuthorization: " + PASSWORD.encode() + b"\r\n\r\n"
    )
    return reader, writer


async def test_a_peer_without_a_byte_is_dropped_and_a_live_one_is_not(stage: Stage) -> None:
    reader, writer = await open_socket(stage)

    async with asyncio.timeout(PATIENCE):
        while await reader.read(4096):
            continue
    writer.close()
    assert not stage.client.socket.closed


async def test_a_client_that_reads_nothing_is_dropped_and_delays_nobody(stage: Stage) -> None:
    reader, writer = await open_socket(stage)
    greeting = await reader.readuntil(b'"sessionId":"') + await reader.readuntil(b'"')
    path = f"/v4/sessions/{greeting[-17:-1].decode()}/players/1"
    encoded = await stage.track("tone.mp3")
    await stage.play("tone.opus.ogg")
    await stage.frames(10)
    before = resident(stage.node.process.pid)
    body = {"track": {"encoded": encoded, "userData": {"text": "x" * 1_000_000}}}
    asked = 0

    # It lives, as its pings show, but takes no event: each is a megabyte. Were it waited for, the
    # request that is one too many would never be answered.
    while True:
        writer.write(b"\x89\x80\0\0\0\0")
        status, _ = await stage.node.request("PATCH", path, body)
        asked += 1
        if status == 404:
            break
        assert (status, asked < 100) == (200, True)

    await stage.frames(20)
    assert resident(stage.node.process.pid) - before < 64 * 1024 * 1024
    assert stage.report().unbroken
    writer.close()


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
