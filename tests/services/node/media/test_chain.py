import time
from collections.abc import Iterator

import numpy as np
import pytest

from legato_simulator.opus import FRAME as OPUS_FRAME
from legato_simulator.opus import Samples
from support_audio_node import Json, Stage, Stages, state
from support_media import SINE, sine
from support_waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
READING_MS = 10
"""How exactly the time code is read."""
HALF, THIRD = 0.4168, 0.2415
"""Lavaplayer's curve at 50 and 30: tan(percent * 0.0079)."""
OVER = 1.15
"""How far a codec may overshoot when its input changes, about a decibel."""


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
        # Behind what is ready each would come after more than a second.
        assert took[0] < 1, ending
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


async def test_an_equalizer_is_heard(stage: Stage) -> None:
    bands = [{"band": band, "gain": -0.2} for band in range(15)]
    await stage.play("tone.flac", filters={"equalizer": bands})
    await stage.frames(40)

    quiet = stage.loudness(start=20)
    await stage.patch(filters={})
    await stage.frames(60)

    assert stage.loudness(start=-20) - quiet > 6
    assert stage.report().unbroken


def pitch(sound: Samples) -> float:
    """Find the loudest frequency."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * 48_000 / len(sound)


async def test_another_tempo_is_heard_and_the_position_goes_with_it(stages: Stages) -> None:
    async def play(stage: Stage, ending: str) -> None:
        stage.files.files[f"sine.{ending}"] = sine(ending)
        await stage.play(f"sine.{ending}", filters={"timescale": {"rate": 1.5}})
        await stage.frames(50)
        began, before = position(await stage.client.player(stage.guild)), len(stage.sounding())
        await stage.frames(100)
        ended, after = position(await stage.client.player(stage.guild)), len(stage.sounding())
        assert abs((ended - began) / (after - before) / 20 - 1.5) < 0.1, ending

    for ending, stage in (await stages(["mp3", "opus.ogg"], play)).items():
        assert abs(pitch(stage.samples()[48_000:96_000]) - 660) < 5, ending
        assert stage.report().unbroken, ending


async def test_a_tempo_is_changed_and_taken_back_without_a_break(stages: Stages) -> None:
    async def play(stage: Stage, ending: str) -> None:
        await stage.play(f"tone.{ending}")
        await stage.frames(30)
        await stage.patch(filters={"timescale": {"speed": 2.0}})
        await stage.frames(60)
        await stage.patch(filters={})
        await stage.frames(150)

    for ending, stage in (await stages(["flac", "opus.ogg"], play)).items():
        told = await agreed(stage)
        assert stage.report().unbroken, ending
        assert stage.report().silence == 0, ending
        # Some of what was played came twice as fast.
        assert told > len(stage.sounding()) * 20 + 500, ending


@pytest.mark.parametrize(
    "given",
    [
        {"karaoke": {}},
        {"tremolo": {"frequency": 4.0}},
        {"vibrato": {"depth": 1.0}},
        {"rotation": {"rotationHz": 0.2}},
        {"distortion": {"sinScale": 2.0}},
        {"channelMix": {"leftToLeft": 0.5, "rightToRight": 0.5}},
        {"lowPass": {"smoothing": 20.0}},
        {"timescale": {"pitch": 0.8}, "lowPass": {}, "karaoke": {}, "equalizer": [{"band": 1}]},
    ],
)
async def test_every_filter_goes_on_and_off_without_a_break(stage: Stage, given: Json) -> None:
    await stage.play("tone.mp3")
    await stage.frames(10)
    await stage.patch(filters=given)
    await stage.frames(30)
    await stage.patch(filters={})
    await stage.frames(30)

    assert stage.report().unbroken
    assert stage.report().silence == 0


@pytest.mark.parametrize(
    "given",
    [{"timescale": {"speed": 0}}, {"tremolo": {"depth": 2}}, {"vibrato": {"frequency": 15}}],
)
async def test_a_filter_out_of_its_bounds_is_refused(stage: Stage, given: Json) -> None:
    path = stage.client.path(stage.guild)

    status, _ = await stage.node.request("PATCH", path, {"filters": given})

    assert status == 400


async def agreed(stage: Stage) -> float:
    """Look until the position that is told is the one that is heard."""

    async def look() -> float:
        told = position(await stage.client.player(stage.guild))
        last = stage.moments(start=-60).segments[-1]
        return told if abs(told - last.end_ms) < 150 else 0

    return await until(look)


def position(player: Json) -> float:
    found = state(player)["position"]
    assert isinstance(found, int)
    return found
