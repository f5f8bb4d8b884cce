import asyncio

import pytest
from aiohttp import web

from support_audio_node import Json, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

VOICE: Json = {"token": "t", "endpoint": "e:1", "sessionId": "s", "channelId": "1"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"track": {"encoded": "a"}, "encodedTrack": "b"}, "both track and encodedTrack"),
        ({"track": {"encoded": "a", "identifier": "b"}}, "both encodedTrack and identifier"),
        ({"encodedTrack": "nonsense"}, "Bad track"),
        ({"endTime": 0}, "End time must be greater than 0"),
        ({"voice": {**VOICE, "token": ""}}, "Partial"),
        ({"voice": {**VOICE, "endpoint": ""}}, "Partial"),
        ({"voice": {**VOICE, "sessionId": ""}}, "Partial"),
        ({"voice": {"token": "t", "endpoint": "e:1", "sessionId": "s"}}, "Partial"),
        ({"volume": "loud"}, "Malformed"),
        ([], "Malformed"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(
    stage: Stage, body: object, message: str
) -> None:
    path = stage.client.path(stage.guild)

    status, answer = await stage.node.request("PATCH", path, body)

    assert status == 400
    assert message in str(answer["message"])
    assert answer["path"] == path
    assert set(answer) == {"timestamp", "status", "error", "message", "path"}


async def test_an_unknown_session_player_or_guild_is_said(stage: Stage) -> None:
    status, answer = await stage.node.request("GET", "/v4/sessions/nobody/players")
    assert (status, answer["message"]) == (404, "Session not found")
    status, answer = await stage.node.request("GET", stage.client.path(stage.guild))
    assert (status, answer["message"]) == (404, "Player not found")
    status, _ = await stage.node.request("PATCH", stage.client.path(None) + "/abc", {})
    assert status == 400
    status, _ = await stage.node.request("DELETE", stage.client.path(stage.guild))
    assert status == 204
    status, answer = await stage.node.request("GET", "/v4/nothing?trace=true")
    assert (status, answer["error"]) == (404, "Not Found")
    assert "trace" in answer


async def test_every_field_is_kept_and_shown(stage: Stage) -> None:
    filters = {
        "volume": 0.5,
        "equalizer": [{"band": 0, "gain": 0.1}],
        "timescale": {"speed": 1.5, "pitch": 1.0, "rate": 1.0},
        "pluginFilters": {"mine": {"a": 1}},
    }
    shown = await stage.patch(volume=1500, paused=True, filters=filters)

    assert shown["guildId"] == str(stage.guild)
    assert (shown["track"], shown["volume"], shown["paused"]) == (None, 1000, True)
    assert shown["filters"] == filters
    assert shown["voice"] == {"token": "", "endpoint": "", "sessionId": "", "channelId": None}
    state = shown["state"]
    assert isinstance(state, dict)
    assert (state["position"], state["connected"], state["ping"]) == (0, False, -1)
    status, players = await stage.node.request("GET", stage.client.path(None))
    assert status == 200
    assert [player["guildId"] for player in players] == [str(stage.guild)]  # type: ignore[index]


async def test_an_identifier_is_resolved_to_one_track(stage: Stage) -> None:
    shown = await stage.patch(identifier=stage.files.url("tone.mp3"))
    track = shown["track"]
    assert isinstance(track, dict)
    assert track["info"]["uri"] == stage.files.url("tone.mp3")

    stage.files.files["list.m3u"] = b"#EXTM3U\nhttp://x.org/a\nhttp://x.org/b\n"
    for link, expected in (
        (stage.files.url("nothing"), 400),
        (stage.files.url("list.m3u"), 400),
        ("http://127.0.0.1:1/", 500),
    ):
        path = stage.client.path(stage.guild)
        status, _ = await stage.node.request("PATCH", path, {"track": {"identifier": link}})
        assert status == expected


async def test_a_dead_voice_server_is_an_answer_and_not_a_wait(stage: Stage) -> None:
    body = {"voice": {**VOICE, "endpoint": "127.0.0.1:1"}}

    status, answer = await stage.node.request("PATCH", stage.client.path(stage.guild), body)

    assert (status, answer["message"]) == (500, "Failed to connect to voice server")


async def test_a_request_that_waited_for_a_destroyed_player_says_so(stage: Stage) -> None:
    reached = asyncio.Event()
    leave = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        reached.set()
        await stage.files.until(leave)
        return web.Response(status=404)

    stage.files.special["slow"] = slow
    path = stage.client.path(stage.guild)
    body = {"track": {"identifier": stage.files.url("slow")}}
    waiting = asyncio.create_task(stage.node.request("PATCH", path, body))
    await reached.wait()

    status, _ = await stage.node.request("DELETE", path)
    leave.set()

    assert status == 204
    assert (await waiting)[0] in {400, 404}
    assert (await stage.node.request("GET", path))[0] == 404
