"""Each filter against lavadsp's formula, sample by sample where time stays, else by its tone."""

import math
from collections.abc import Callable

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from legato.node import protocol
from legato.node.media import filters
from legato.node.media.chain import Chain
from legato.node.media.samples import RATE, frame, pcm
from legato.node.rtp import SAMPLES

Stereo = NDArray[np.float64]
SECONDS = 2
NEAR = 0.003
"""Of full scale: a few steps of 16 bits, and single precision."""


def tone(frequency: float, seconds: float = SECONDS) -> NDArray[np.float64]:
    times = np.arange(int(seconds * RATE)) / RATE
    wave: NDArray[np.float64] = 0.5 * np.sin(2 * np.pi * frequency * times)
    return wave


def music() -> Stereo:
    return np.stack([tone(440) + 0.3 * tone(90), 0.6 * tone(700) + 0.3 * tone(90)], axis=1)


def through(given: protocol.Filters, sound: Stereo) -> Stereo:
    """Filter as a media worker does, 20 ms after 20 ms."""
    chain = Chain(filters.line(given))
    ready: list[av.AudioFrame] = []
    for part in np.round(sound * 32767).astype(np.int16).reshape(-1, SAMPLES, 2):
        ready += chain.filter(frame(part.tobytes()))
    ready += chain.flush()
    raw = b"".join(pcm(one) for one in ready)
    return np.frombuffer(raw, np.int16).reshape(-1, 2) / 32767


def low_pass(x: Stereo) -> Stereo:
    heard, value = np.empty_like(x), np.zeros(2)
    for at, sample in enumerate(x):
        value = value + (sample - value) / 20
        heard[at] = value
    return heard


def karaoke(x: Stereo) -> Stereo:
    c = math.exp(-2 * math.pi * 100 / RATE)
    b = -4 * c / (1 + c) * math.cos(2 * math.pi * 220 / RATE)
    a = math.sqrt(1 - b * b / (4 * c)) * (1 - c)
    heard, y1, y2 = np.empty_like(x), 0.0, 0.0
    for at, (left, right) in enumerate(x):
        y = (a * ((left + right) / 2) - b * y1) - c * y2
        y1, y2 = y, y1
        heard[at] = left - right + y, right - left + y
    return np.clip(heard, -1, 1)


def swing(frequency: float) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = np.sin(2 * np.pi * frequency * np.arange(SECONDS * RATE) / RATE)
    return wave[:, None]


def tremolo(x: Stereo) -> Stereo:
    # FFmpeg's begins at its loudest, lavadsp's in the middle: a quarter of a wave later.
    cosine = np.roll(swing(4), -RATE // 16, axis=0)
    heard: Stereo = x * (1 - 0.75 / 2 + 0.75 / 2 * cosine)
    return heard


def rotation(x: Stereo) -> Stereo:
    heard: Stereo = x * (1 + swing(0.5) * np.array([1, -1])) / 2
    return heard


def distortion(x: Stereo) -> Stereo:
    heard: Stereo = 0.1 + 2 * (0.2 + np.sin(x * 1.5)) * (0.1 + np.cos(x)) * (0.3 + np.tan(x * 0.5))
    return np.clip(heard, -1, 1)


def channel_mix(x: Stereo) -> Stereo:
    left, right = x.T
    mixed = np.stack([0.9 * left + 0.4 * right, 0.2 * left + 0.7 * right], axis=1)
    heard: Stereo = np.clip(mixed, -1, 1)
    return heard


EXACT: dict[str, tuple[protocol.Filters, Callable[[Stereo], Stereo]]] = {
    "lowPass": (protocol.Filters(low_pass=protocol.LowPass()), low_pass),
    "karaoke": (protocol.Filters(karaoke=protocol.Karaoke()), karaoke),
    "tremolo": (protocol.Filters(tremolo=protocol.Tremolo(frequency=4, depth=0.75)), tremolo),
    "rotation": (protocol.Filters(rotation=protocol.Rotation(rotation_hz=0.5)), rotation),
    "distortion": (
        protocol.Filters(
            distortion=protocol.Distortion(
                sin_offset=0.2,
                sin_scale=1.5,
                cos_offset=0.1,
                tan_offset=0.3,
                tan_scale=0.5,
                offset=0.1,
                scale=2,
            )
        ),
        distortion,
    ),
    "channelMix": (
        protocol.Filters(
            channel_mix=protocol.ChannelMix(
                left_to_left=0.9, left_to_right=0.2, right_to_left=0.4, right_to_right=0.7
            )
        ),
        channel_mix,
    ),
    "in their order": (
        protocol.Filters(
            low_pass=protocol.LowPass(),
            tremolo=protocol.Tremolo(frequency=4, depth=0.75),
            karaoke=protocol.Karaoke(),
        ),
        lambda x: karaoke(tremolo(low_pass(x))),
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_a_filter_follows_lavadsps_formula(name: str) -> None:
    given, formula = EXACT[name]
    sound = music()

    heard = through(given, sound)

    assert heard.shape == sound.shape
    assert float(np.abs(heard - formula(sound)).max()) < NEAR


def frequencies(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure a tone's frequency from one wave to the next."""
    rises = np.flatnonzero((sound[:-1] < 0) & (sound[1:] >= 0))
    exact = rises + sound[rises] / (sound[rises] - sound[rises + 1])
    measured: NDArray[np.float64] = RATE / np.diff(exact)
    return measured


@pytest.mark.parametrize("depth", [0.4, 1.0])
def test_a_vibrato_swings_the_pitch_as_lavadsps_two_milliseconds_do(depth: float) -> None:
    given = protocol.Filters(vibrato=protocol.Vibrato(frequency=5, depth=depth))

    heard = through(given, np.stack([tone(1000)] * 2, axis=1))

    pitches = frequencies(heard[RATE // 2 :, 0])
    swing = 1000 * 2 * math.pi * 5 * depth * 0.002 / 2
    assert pitches.max() - 1000 == pytest.approx(swing, rel=0.1)
    assert 1000 - pitches.min() == pytest.approx(swing, rel=0.1)


@pytest.mark.parametrize(
    ("scale", "length", "pitch"),
    [
        (protocol.Timescale(speed=2), 0.5, 1),
        (protocol.Timescale(speed=0.4), 2.5, 1),
        (protocol.Timescale(pitch=1.5), 1, 1.5),
        (protocol.Timescale(rate=0.5), 2, 0.5),
        (protocol.Timescale(speed=1.2, pitch=0.8, rate=1.5), 1 / 1.8, 1.2),
    ],
)
def test_speed_pitch_and_rate_are_told_apart(
    scale: protocol.Timescale, length: float, pitch: float
) -> None:
    given = protocol.Filters(timescale=scale)

    heard = through(given, np.stack([tone(440)] * 2, axis=1))

    assert len(heard) / RATE == pytest.approx(SECONDS * length, rel=0.03)
    middle = heard[len(heard) // 4 : -len(heard) // 4, 0]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE / len(middle) == pytest.approx(440 * pitch, rel=0.02)
    assert filters.pace(given) == pytest.approx(1 / length)


@pytest.mark.parametrize(
    "given",
    [
        protocol.Filters(),
        protocol.Filters(
            timescale=protocol.Timescale(),
            tremolo=protocol.Tremolo(depth=0),
            vibrato=protocol.Vibrato(depth=0),
            rotation=protocol.Rotation(),
            distortion=protocol.Distortion(),
            channel_mix=protocol.ChannelMix(),
            low_pass=protocol.LowPass(smoothing=1),
            equalizer=(protocol.Band(band=3, gain=0),),
        ),
        protocol.Filters(karaoke=None, timescale=None, tremolo=None, low_pass=None),
    ],
)
def test_what_changes_nothing_is_no_filter(given: protocol.Filters) -> None:
    assert (filters.line(given), filters.pace(given)) == ((), None)
