import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator

import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web

from legato_simulator.opus import FRAME as OPUS_FRAME
from legato_simulator.opus import Samples
from support_audio_node import Json, Stage, Studio, until
from support_media import FORMATS, SINE, TRACK, sine, tone

pytestmark = pytest.mark.asyncio(loop_scope="session")
FRAME = 20
MOST_BETWEEN_MS = 40
"""Between two tracks: a codec's own beginning, and a frame for a machine that is busy."""
READING_MS = 10
"""How exactly the time code is read."""
HALF, THIRD = 0.4168, 0.2415
"""Lavaplayer's curve at 50 and 30: tan(percent * 0.0079)."""
OVER = 1.15
"""How far a codec may overshoot when its input changes, about a decibel."""
NEAR_MS = 45
"""Two frames and a codec's delay."""
Play = Callable[[Stage, str], Coroutine[None, None, None]]
Stages = Callable[[Iterable[str], Play], Awaitable[dict[str, Stage]]]


def state(player: Json) -> Json:
    found = player["state"]
    assert isinstance(found, dict)
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def stages(shared: Studio, stage: Stage) -> Stages:
    """Do the same at once with several formats; the fixture of one stage closes them."""
    return shared.stages


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


async def test_volume_follows_without_a_break(stages: Stages) -> None:
    before: dict[str, int] = {}

    async def play(stage: Stage, ending: str) -> None:
        await stage.play(f"tone.{ending}")
        await stage.frames(40)
        before[ending] = len(stage.sounding())
        await stage.patch(volume=30)
        await stage.frames(60)

    for ending, stage in (await stages(["opus.ogg", "opus.webm", "mp3", "flac"], play)).items():
        loud, soft = before[ending], before[ending] + 25
        quieter = stage.loudness(start=soft) - stage.loudness(end=loud)
        assert quieter == pytest.approx(-12.4, abs=1.5), ending
        assert stage.report().unbroken, ending
        heard = stage.moments()
        assert max(heard.skipped_ms, heard.repeated_ms) <= READING_MS, ending


STEPS = ((50, SINE * HALF), (100, SINE), (30, SINE * THIRD), (100, SINE))


async def test_a_change_of_volume_is_heard_soon_and_makes_no_click(stages: Stages) -> None:
    asked: dict[str, list[int]] = {"mp3": [], "opus.ogg": []}

    async def play(stage: Stage, ending: str) -> None:
        stage.files.files[f"sine.{ending}"] = sine(ending)
        await stage.play(f"sine.{ending}")
        await stage.frames(40)
        for volume, _ in STEPS:
            asked[ending].append(time.monotonic_ns())
            await stage.patch(volume=volume)
            await stage.frames(30)

    for ending, stage in (await stages(asked, play)).items():
        took = sorted(lateness(stage, asked[ending]))
        sound = stage.samples()[10 * OPUS_FRAME :]
        steepest = SINE * 2 * np.pi * 440 / 48_000
        assert took[2] < 0.5, ending
        assert took[-1] < 1, ending
        assert np.abs(sound).max() <= SINE * OVER, ending
        assert np.abs(np.diff(sound)).max() <= steepest * OVER, ending
        assert stage.report().unbroken, ending
        assert stage.report().silence == 0, ending


def lateness(stage: Stage, asked: list[int]) -> Iterator[float]:
    """Say how many seconds after each change the sound has its new height."""
    heard = list(zip(stage.heard(), frames(stage.samples()), strict=True))
    for moment, (_, peak) in zip(asked, STEPS, strict=True):
        yield next(
            (arrival.at_ns - moment) / 1e9
            for arrival, frame in heard
            if arrival.at_ns > moment and abs(np.abs(frame).max() / peak - 1) < 0.1
        )


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


def frames(sound: Samples) -> list[Samples]:
    return np.split(sound, len(sound) // OPUS_FRAME)


async def test_full_volume_again_passes_packets_on_undecoded(stage: Stage) -> None:
    await stage.play("tone.opus.ogg", volume=50)
    await stage.frames(20)

    await stage.patch(volume=100)
    await stage.frames(30)

    heard = stage.moments()
    assert heard.jumps == []
    assert len(heard.segments) == 1


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


async def test_the_next_track_follows_without_a_gap(stages: Stages) -> None:
    async def play(stage: Stage, ending: str) -> None:
        stage.files.files[f"next.{ending}"] = tone(ending, 5.0, 6)
        encoded = await stage.track(f"next.{ending}")
        await stage.play("tone.opus.ogg", endTime=600)
        await stage.client.event("TrackEndEvent")
        await stage.patch(track={"encoded": encoded})
        await stage.frames(40)

    for ending, stage in (await stages(FORMATS, play)).items():
        first, second = stage.moments().segments
        assert (first.track, second.track) == (TRACK, 6), ending
        assert second.heard_from_ms - first.heard_to_ms <= MOST_BETWEEN_MS, ending
        assert abs(first.end_ms - 600) <= NEAR_MS, ending
        assert second.start_ms <= NEAR_MS, ending
        silent = sum(arrival.silent for arrival in stage.heard())
        assert silent <= MOST_BETWEEN_MS // FRAME, ending
        assert stage.report().unbroken, ending


async def ending(stage: Stage) -> None:
    """Play a second, up to where its end is told and its last frames still go out."""
    await stage.play("tone.mp3", endTime=1000)
    ended = await stage.client.event("TrackEndEvent")
    assert ended["reason"] == "finished"
    assert len(stage.sounding()) < 50


async def test_an_ended_tracks_last_frames_go_out_and_no_player_shows_it(stage: Stage) -> None:
    await ending(stage)
    shown = await stage.client.player(stage.guild)
    await stage.patch(position=100)
    await stage.quiet()

    assert shown["track"] is None
    assert state(shown)["position"] == 0
    assert len(stage.sounding()) == 50
    assert [arrival.silent for arrival in stage.heard()[-6:]] == [False] + [True] * 5


@pytest.mark.parametrize("how", ["stop", "delete"])
async def test_a_stop_after_the_end_was_told_is_a_stop(stage: Stage, how: str) -> None:
    await ending(stage)
    if how == "stop":
        await stage.patch(track={"encoded": None})
    else:
        await stage.node.request("DELETE", stage.client.path(stage.guild))
    await stage.quiet()

    assert len(stage.sounding()) < 50
    assert [arrival.silent for arrival in stage.heard()[-6:]] == [False] + [True] * 5
    assert len(stage.client.events("TrackEndEvent")) == 1


async def test_a_pause_after_the_end_was_told_holds_the_last_frames(stage: Stage) -> None:
    await ending(stage)
    await stage.patch(paused=True)
    await stage.quiet()
    assert len(stage.sounding()) < 50

    await stage.patch(paused=False)
    await until(lambda: len(stage.sounding()) == 50)
    await stage.quiet()
    assert len(stage.sounding()) == 50


async def test_a_next_track_that_is_missing_leaves_the_last_frames_alone(stage: Stage) -> None:
    stage.files.files["away.mp3"] = tone("mp3")
    encoded = await stage.track("away.mp3")
    del stage.files.files["away.mp3"]
    await ending(stage)

    await stage.patch(track={"encoded": encoded})

    await stage.client.event("TrackExceptionEvent")
    await stage.quiet()
    assert len(stage.sounding()) == 50


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


async def test_an_equalizer_is_heard(stage: Stage) -> None:
    bands = [{"band": band, "gain": -0.2} for band in range(15)]
    await stage.play("tone.flac", filters={"equalizer": bands})
    await stage.frames(40)

    quiet = stage.loudness(start=20)
    await stage.patch(filters={})
    await stage.frames(60)

    assert stage.loudness(start=-20) - quiet > 6
    assert stage.report().unbroken


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


async def test_the_first_frame_goes_out_soon_and_is_the_tracks_first(stage: Stage) -> None:
    encoded = await stage.track("tone.opus.webm")
    await stage.patch(voice=await stage.credentials())
    asked = time.monotonic_ns()

    await stage.patch(track={"encoded": encoded})
    await stage.frames(20)

    first = stage.heard()[0]
    assert not first.silent
    assert (first.at_ns - asked) / 1e9 < 0.5
    assert stage.moments().segments[0].start_ms <= NEAR_MS


async def test_a_track_that_gives_nothing_is_said_to_be_stuck_once_and_goes_on(
    stage: Stage,
) -> None:
    data = tone("mp3")
    stage.files.files["sticks.mp3"] = data
    encoded = await stage.track("sticks.mp3")
    more = asyncio.Event()

    async def sticks(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(len(data))})
        await answer.prepare(request)
        await answer.write(data[: len(data) // 10])
        await stage.files.until(more)
        await answer.write(data[len(data) // 10 :])
        return answer

    stage.files.special["sticks.mp3"] = sticks
    await stage.patch(track={"encoded": encoded}, voice=await stage.credentials())

    told = await stage.client.event("TrackStuckEvent")
    assert told["thresholdMs"] == 500
    before = len(stage.sounding())
    more.set()
    await stage.frames(30)

    assert before in range(80, 110)
    assert len(stage.client.events("TrackStuckEvent")) == 1
    assert stage.client.events("TrackEndEvent") == []
    assert stage.report().breaks == 0
    assert stage.moments().skipped_ms <= READING_MS
