import pytest

from legato_simulator.voice_faults import VoiceFaults
from support_audio_node import BOT, Json, Stage, Studio, until

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
