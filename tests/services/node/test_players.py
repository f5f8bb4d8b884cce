import ssl
from datetime import timedelta
from unittest.mock import create_autospec

import aiohttp
import numpy as np
import pytest

from legato.node import messages
from legato.node.engine import Engine, Lane
from legato.node.players import PlayerShell, Surroundings
from legato.node.voice import VoiceConnection
from support_audio_node import Stage, Stages, state
from support_media import FORMATS, SINE, TRACK, sine
from support_waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
FRAME = 20
READING_MS = 10
"""How exactly the time code is read."""
OVER = 1.15
"""How far a codec may overshoot when its input changes, about a decibel."""
NEAR_MS = 45
"""Two frames and a codec's delay."""


async def test_the_right_tone_is_heard_from_the_first_frame(stages: Stages) -> None:
    async def play(stage: Stage, ending: str) -> None:
        await stage.play(f"tone.{ending}")
        await stage.frames(60)

    for ending, stage in (await stages(FORMATS, play)).items():
        heard = stage.moments()
        assert [segment.track for segment in heard.segments] == [TRACK], ending
        assert heard.segments[0].start_ms <= NEAR_MS, ending
        assert heard.jumps == [], ending
        assert stage.report().unbroken, ending


async def test_a_track_starts_at_the_position_asked_for(stages: Stages) -> None:
    async def play(stage: Stage, ending: str) -> None:
        await stage.play(f"tone.{ending}", position=7130)
        await stage.frames(40)

    for ending, stage in (await stages(FORMATS, play)).items():
        heard = stage.moments()
        assert abs(heard.segments[0].start_ms - 7130) <= NEAR_MS, ending
        assert heard.jumps == [], ending


async def test_a_seek_is_heard_at_the_right_moment(stages: Stages) -> None:
    async def play(stage: Stage, ending: str) -> None:
        await stage.play(f"tone.{ending}")
        await stage.frames(30)
        answer = await stage.patch(position=12_340)
        assert state(answer)["position"] == 12_340, ending
        await stage.frames(60)

    for ending, stage in (await stages(FORMATS, play)).items():
        heard = stage.moments()
        assert len(heard.segments) == 2, ending
        assert abs(heard.segments[1].start_ms - 12_340) <= NEAR_MS, ending
        assert heard.jumps[0].silent_ms <= 2 * FRAME, ending
        assert stage.report().unbroken, ending


async def test_a_seek_makes_no_bang(stages: Stages) -> None:
    async def play(stage: Stage, ending: str) -> None:
        stage.files.files[f"sine.{ending}"] = sine(ending)
        await stage.play(f"sine.{ending}")
        for position in (3070, 12_340, 5555):
            await stage.frames(20)
            await stage.patch(position=position)
        await stage.frames(20)

    for ending, stage in (await stages(["mp3", "opus.ogg"], play)).items():
        assert np.abs(stage.samples()).max() <= SINE * OVER, ending
        assert stage.report().unbroken, ending


async def test_a_pause_ends_in_silence_frames_and_goes_on_where_it_was(stage: Stage) -> None:
    await stage.play("tone.mp3")
    await stage.frames(30)

    await stage.patch(paused=True)
    await stage.quiet()
    paused_at = len(stage.heard())
    held = state(await stage.client.player(stage.guild))["position"]
    assert [arrival.silent for arrival in stage.heard()[-6:]] == [False] + [True] * 5

    await stage.patch(paused=False)
    await stage.frames(30)
    assert stage.report().breaks == 0
    heard = stage.moments()
    assert max(heard.skipped_ms, heard.repeated_ms) <= READING_MS
    assert isinstance(held, int)
    after = stage.moments(start=paused_at)
    assert abs(after.segments[0].start_ms - held) <= NEAR_MS


async def test_the_position_is_what_has_gone_out(stage: Stage) -> None:
    await stage.play("tone.opus.webm")
    await stage.frames(50)

    position = state(await stage.client.player(stage.guild))["position"]
    sent = len(stage.sounding()) * FRAME

    assert isinstance(position, int)
    assert abs(sent - position) <= 3 * FRAME


async def test_a_track_ends_at_its_end_time(stage: Stage) -> None:
    await stage.play("tone.flac", endTime=1000)
    ended = await stage.client.event("TrackEndEvent")
    await stage.quiet()

    assert ended["reason"] == "finished"
    assert len(stage.sounding()) == 50


async def test_an_end_time_is_changed_and_taken_back(stage: Stage) -> None:
    await stage.play("tone.wav", endTime=60_000)
    await stage.frames(10)
    await stage.patch(endTime=600)
    await stage.client.event("TrackEndEvent")
    await stage.quiet()
    assert len(stage.sounding()) == 30

    await stage.play("tone.wav", endTime=800)
    await stage.patch(endTime=None)
    await stage.frames(60)
    assert len(stage.client.events("TrackEndEvent")) == 1


async def test_a_track_is_kept_replaced_and_stopped(stage: Stage) -> None:
    other = await stage.track("tone.mp3")
    await stage.play("tone.flac")
    kept = await stage.client.patch(
        {"track": {"encoded": other}}, guild=stage.guild, query="?noReplace=true"
    )
    assert isinstance(kept["track"], dict)
    assert kept["track"]["encoded"] != other

    await stage.patch(track={"encoded": other, "userData": {"by": "me"}})
    replaced = await stage.client.event("TrackEndEvent")
    started = await stage.client.event("TrackStartEvent", 2)
    assert replaced["reason"] == "replaced"
    assert isinstance(started["track"], dict)
    assert started["track"]["userData"] == {"by": "me"}

    await stage.patch(track={"encoded": None})
    stopped = await stage.client.event("TrackEndEvent", 2)
    assert stopped["reason"] == "stopped"
    assert isinstance(stopped["track"], dict)
    assert stopped["track"]["userData"] == {"by": "me"}


async def test_a_track_waits_for_voice(stage: Stage) -> None:
    await stage.patch(track={"encoded": await stage.track("tone.flac")})
    await until(lambda: len(stage.client.of("playerUpdate")) >= 2)
    assert state(await stage.client.player(stage.guild))["position"] == 0

    await stage.patch(voice=await stage.credentials())
    await stage.frames(30)

    assert stage.moments().segments[0].start_ms <= NEAR_MS


async def test_deleting_leaves_voice_with_1000(stage: Stage) -> None:
    await stage.play("tone.flac")
    await stage.frames(10)

    status, _ = await stage.node.request("DELETE", stage.client.path(stage.guild))

    assert status == 204
    ended = await stage.client.event("TrackEndEvent")
    closed = await stage.client.event("WebSocketClosedEvent")
    assert (ended["reason"], closed["code"], closed["byRemote"]) == ("stopped", 1000, False)
    await stage.quiet()
    assert [arrival.silent for arrival in stage.heard()[-6:]] == [False] + [True] * 5
    status, _ = await stage.node.request("GET", stage.client.path(stage.guild))
    assert status == 404


async def test_updates_tell_the_position_every_second(stage: Stage) -> None:
    await stage.play("tone.opus.ogg")
    await until(lambda: len(stage.client.of("playerUpdate")) >= 5)

    positions = [int(str(state(update)["position"])) for update in stage.client.of("playerUpdate")]
    assert positions == sorted(positions)
    assert positions[-1] - positions[-3] == pytest.approx(2000, abs=300)


async def test_a_players_voice_may_go_while_the_node_ends() -> None:
    engine, lane = create_autospec(Engine, instance=True), create_autospec(Lane, instance=True)
    engine.open_lane.return_value, lane.number = lane, 1
    second = timedelta(seconds=1)
    http = create_autospec(aiohttp.ClientSession, instance=True)
    around = Surroundings(engine, http, ssl.create_default_context(), second, second, second)
    shell = PlayerShell(1, "2", around, lambda *_: None)
    shell._voice = create_autospec(VoiceConnection, instance=True)

    def hushed(_: object) -> None:
        shell._voice = None
        lane.on_pacing(messages.Hushed(lane=1))

    lane.tell.side_effect = hushed

    await shell.hush()

    lane.tell.assert_called_once_with(messages.Hush(lane=1))
