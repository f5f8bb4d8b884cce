import asyncio
from pathlib import Path

import pytest

from legato.node import voice_protocol
from legato_simulator.voice_endpoint import Death
from legato_simulator.voice_faults import VoiceFaults
from support_audio_node import BOT, Json, Stage, Studio
from support_falling import falling
from support_waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def connected(stage: Stage) -> object:
    state = (await stage.client.player(stage.guild))["state"]
    assert isinstance(state, dict)
    return state["connected"]


def resumes(stage: Stage) -> int:
    return stage.voice.resumes


@pytest.mark.parametrize("code", [4015, 4000, 4009])
async def test_a_close_that_may_be_resumed_is_not_heard(stage: Stage, code: int) -> None:
    await stage.play("tone.opus.ogg")
    await stage.frames(20)
    before = resumes(stage)

    await stage.voice.close(stage.guild, BOT, code)
    await until(lambda: resumes(stage) > before)
    await stage.frames(40)

    assert stage.client.events("WebSocketClosedEvent") == []
    assert stage.report().unbroken
    assert await connected(stage) is True


async def test_a_broken_connection_is_resumed(stage: Stage) -> None:
    await stage.play("tone.mp3")
    await stage.frames(20)
    before = resumes(stage)
    socket = stage.voice.socket(stage.guild, BOT)
    assert socket is not None

    socket.drop()
    await until(lambda: resumes(stage) > before)
    await stage.frames(40)

    assert stage.report().unbroken
    assert stage.client.events("WebSocketClosedEvent") == []


async def test_a_final_close_is_told_and_the_track_goes_on(shared: Studio, stage: Stage) -> None:
    async def play(stage: Stage, code: str) -> None:
        await stage.play("tone.flac", endTime=1500)
        await stage.frames(10)
        await stage.voice.close(stage.guild, BOT, int(code))
        closed = await stage.client.event("WebSocketClosedEvent")
        assert (closed["code"], closed["byRemote"]) == (int(code), True)
        assert await connected(stage) is False
        ended = await stage.client.event("TrackEndEvent")
        assert ended["reason"] == "finished", code

    codes = [str(code) for code in (4004, 4006, 4011, 4014, 4017, 4021, 4022)]
    identifies = stage.voice.identifies
    await shared.stages(codes, play)
    assert stage.voice.identifies == identifies + len(codes)


async def test_the_same_voice_again_is_nothing_new_while_connected(stage: Stage) -> None:
    voice = await stage.credentials()
    await stage.play("tone.opus.ogg")
    await stage.frames(10)
    identifies = stage.voice.identifies

    await stage.patch(voice=voice)
    await stage.frames(20)

    assert stage.voice.identifies == identifies
    assert stage.report().unbroken


async def test_voice_given_again_after_a_close_goes_on_with_the_track(stage: Stage) -> None:
    await stage.play("tone.opus.ogg")
    await stage.frames(10)
    await stage.voice.close(stage.guild, BOT, 4014)
    await stage.client.event("WebSocketClosedEvent")

    await stage.patch(voice=await stage.credentials())
    await stage.frames(40)

    assert len(stage.report().epochs) == 2
    assert stage.client.events("TrackEndEvent") == []


async def test_a_move_to_another_voice_server_goes_on_with_the_track(stage: Stage) -> None:
    await stage.play("tone.mp3")
    await stage.frames(20)

    moved = await stage.voice.move(stage.guild, BOT, "hill")
    assert moved is not None
    voice: Json = {
        "token": moved.token,
        "endpoint": moved.endpoint,
        "sessionId": "gateway-session",
        "channelId": "71",
    }
    await stage.patch(voice=voice)
    await stage.frames(40)

    assert stage.client.events("TrackEndEvent") == []
    assert len(stage.report().epochs) == 2


async def test_the_better_encryption_is_chosen_and_packets_are_discords(stage: Stage) -> None:
    await stage.play("tone.opus.ogg")
    await stage.frames(20)

    epoch = stage.report().epochs[0]

    assert epoch.mode == "aead_aes256_gcm_rtpsize"
    assert epoch.payload_types == [0x78]
    assert epoch.undecryptable == 0
    (mine,) = [c for c in stage.voice.connections() if c.guild_id == stage.guild]
    assert mine.speaking == 1


async def test_the_other_encryption_is_taken_where_it_is_the_only_one(stage: Stage) -> None:
    only = VoiceFaults(only_mode="aead_xchacha20_poly1305_rtpsize")
    stage.voice.set_faults(only, guild_id=stage.guild)

    await stage.play("tone.opus.ogg")
    await stage.frames(40)

    epoch = stage.report().epochs[0]
    assert epoch.mode == "aead_xchacha20_poly1305_rtpsize"
    assert epoch.undecryptable == 0
    assert stage.report().unbroken
    assert stage.moments().jumps == []


async def test_the_ping_is_measured(stage: Stage) -> None:
    await stage.play("tone.opus.ogg")
    await stage.frames(10)

    state = (await stage.client.player(stage.guild))["state"]

    assert isinstance(state, dict)
    assert 0 <= state["ping"] < 1000


async def test_a_voice_server_that_refuses_to_resume_is_told_once(stage: Stage) -> None:
    await stage.play("tone.mp3")
    await stage.frames(10)
    stage.voice.set_faults(VoiceFaults(refuse_resume=4006), guild_id=stage.guild)

    await stage.voice.close(stage.guild, BOT, 4015)

    closed = await stage.client.event("WebSocketClosedEvent")
    assert (closed["code"], closed["byRemote"]) == (4006, True)


async def test_lost_packets_are_the_networks_and_nothing_is_sent_again(stage: Stage) -> None:
    stage.voice.set_faults(VoiceFaults(udp_drop_next=5), guild_id=stage.guild)

    await stage.play("tone.mp3")
    await stage.frames(40)

    assert stage.moments().repeated_ms == 0


async def test_a_voice_server_without_udp_is_told_soon_and_others_play_on(
    shared: Studio, stage: Stage
) -> None:
    other = await shared.stage()
    await other.play("tone.mp3")
    await other.frames(1)
    stage.voice.set_faults(VoiceFaults(no_discovery=True))

    await stage.play("tone.opus.ogg")

    closed = await stage.client.event("WebSocketClosedEvent")
    stage.voice.set_faults(VoiceFaults())
    assert (closed["code"], closed["byRemote"]) == (1006, True)
    assert closed["reason"] == "The voice server does not answer over UDP."
    assert await connected(stage) is False
    assert stage.client.events("TrackEndEvent") == []
    await other.frames(20)
    assert other.report().unbroken


@pytest.mark.parametrize("death", ["silent", "no_tls"])
async def test_dead_endpoints_are_answers_in_time_and_hold_up_nobody(
    shared: Studio, stage: Stage, death: Death
) -> None:
    await stage.play("tone.opus.ogg")
    endpoint = await stage.voice.add_dead_region(death, death)
    others = [await shared.stage() for _ in range(20)]

    async def join(other: Stage) -> int:
        voice = {"token": "t", "sessionId": "s", "channelId": "1", "endpoint": endpoint}
        path = other.client.path(other.guild)
        return (await stage.node.request("PATCH", path, {"voice": voice}))[0]

    joining = [asyncio.create_task(join(other)) for other in others]
    answered = 0
    async with asyncio.timeout(PATIENCE):
        while not all(each.done() for each in joining):
            await stage.client.player(stage.guild)
            answered += 1

    assert {each.result() for each in joining} == {500}
    assert answered > 1, "who asks meanwhile is answered"
    assert stage.report().unbroken


async def test_a_voice_server_that_leaves_heartbeats_unanswered_is_connected_to_anew(
    tmp_path: Path,
) -> None:
    async with falling(tmp_path) as (server, connection, heard):
        await connection.open(timeout=PATIENCE)
        await heard.ready.wait()

        server.silent = True
        await until(lambda: voice_protocol.RESUME in server.asked and connection.connected)

        first = [
            "connected",
            voice_protocol.IDENTIFY,
            voice_protocol.SELECT,
            voice_protocol.SPEAKING,
        ]
        assert server.asked[:4] == first
        # A code after which Discord keeps the session.
        assert server.asked[4] in {4000, 4009}
        assert heard.closed == []
        [since] = heard.lost
        assert since > 0.1, "longer than a heartbeat"


@pytest.mark.parametrize("death", ["refused", "silent"])
async def test_a_voice_server_that_dies_under_the_music_is_told(
    stage: Stage, death: Death, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("legato.node.voice.RESUME_WITHIN", 1.0)
    monkeypatch.setattr("legato.node.voice.BEAT", 0.5)
    region = f"doomed {death}"
    await stage.voice.add_region(region)
    stage.voice.place(stage.guild, region)
    await stage.play("tone.opus.ogg")
    await stage.frames(20)
    updates = len(stage.client.of("playerUpdate"))

    await stage.voice.kill_region(region, death)

    closed = await stage.client.event("WebSocketClosedEvent")
    assert (closed["code"], closed["byRemote"]) == (1006, True)
    states = [one["state"] for one in stage.client.of("playerUpdate")[updates:]]
    lost = [one for one in states if isinstance(one, dict) and not one["connected"]]
    assert len(lost) >= 2, "when it was lost, and when it was given up"


async def test_a_voice_server_that_says_nothing_at_all_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("legato.node.voice.HANDSHAKE", 0.2)
    async with falling(tmp_path) as (server, connection, heard):
        server.hello = False
        await connection.open(timeout=5)

        await until(lambda: heard.closed)

        assert heard.closed == [(1006, "the voice server does not answer")]
        assert connection.connected is False
        assert server.asked.count("connected") == 2


@pytest.mark.parametrize(
    ("ready", "description"),
    [
        ({"port": 99999}, {}),
        ({"ssrc": 1 << 40}, {}),
        ({}, {"secret_key": [300] * 32}),
        ({}, {"secret_key": ["x"] * 32}),
        ({}, {"secret_key": [0] * 31}),
    ],
)
async def test_a_voice_server_that_tells_nonsense_is_given_up(
    tmp_path: Path, ready: Json, description: Json
) -> None:
    async with falling(tmp_path) as (server, connection, heard):
        server.ready, server.description = ready, description
        await connection.open(timeout=PATIENCE)

        await until(lambda: heard.closed)

        assert [code for code, _ in heard.closed] == [1006]
        assert connection.connected is False
        assert not heard.ready.is_set()
