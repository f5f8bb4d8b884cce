import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

from legato.node import protocol
from legato.node.media.decoding import Unit
from legato.node.media.samples import frame
from legato.node.media.shaping import Shape, Shaper, volume_gain
from legato_simulator import opus

PLAIN = protocol.Filters()
BASS = protocol.Filters(
    equalizer=(protocol.Band(band=2, gain=0.2), protocol.Band(band=3, gain=0.2))
)
AMPLITUDE = 0.6
FRAMES, CHANGE, SETTLED, WARM = 90, 50, 58, 8
OVER = 1.15
"""How far a codec may overshoot for a frame when its input changes, about a decibel."""


def a_tone(frequency: float = 440.0) -> opus.Samples:
    times = np.arange(FRAMES * opus.FRAME) / opus.RATE
    return (AMPLITUDE * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


def as_units(sound: opus.Samples, source: str) -> list[Unit]:
    if source == "packets":
        packets = opus.encode(sound)
        return [Unit(number * opus.FRAME, packet=packet) for number, packet in enumerate(packets)]
    pcm = np.repeat((sound * 32767).astype(np.int16), 2).reshape(-1, opus.FRAME * 2)
    return [
        Unit(number * opus.FRAME, sound=frame(part.tobytes())) for number, part in enumerate(pcm)
    ]


def a_shaper(
    shape: Shape, *, before: Shape | None = None, settle: bool = False, bitrate: int = 128_000
) -> Shaper:
    return Shaper(shape, bitrate=bitrate, quality=10, before=before, settle=settle)


def shaped(shaper: Shaper, units: list[Unit]) -> list[bytes]:
    return list(itertools.chain.from_iterable(shaper.shape(unit) for unit in units))


@dataclass
class Heard:
    """Peak and steepest step before, at and after a change."""

    peaks: tuple[float, float, float]
    steps: tuple[float, float, float]


def changed(old: Shape, new: Shape, units: list[Unit]) -> Heard:
    """Go over from one shape to the other as the pump does, and listen."""
    before = shaped(a_shaper(old), units[: CHANGE + 1])[:CHANGE]
    later = a_shaper(new, before=old)
    later.warm(units[CHANGE - WARM : CHANGE])
    sound = opus.decode([*before, *shaped(later, units[CHANGE:])])
    parts = [
        sound[start * opus.FRAME : end * opus.FRAME]
        for start, end in ((10, CHANGE - 1), (CHANGE - 1, SETTLED), (SETTLED, FRAMES - 5))
    ]
    peaks = [float(np.abs(part).max()) for part in parts]
    steps = [float(np.abs(np.diff(part)).max()) for part in parts]
    return Heard((peaks[0], peaks[1], peaks[2]), (steps[0], steps[1], steps[2]))


@pytest.mark.parametrize("source", ["pcm", "packets"])
@pytest.mark.parametrize("frequency", [97, 440, 3000])
@pytest.mark.parametrize("volumes", [(100, 50), (50, 100), (50, 30), (120, 100), (100, 0)])
def test_a_change_of_volume_makes_no_click(
    source: str, frequency: float, volumes: tuple[int, int]
) -> None:
    units = as_units(a_tone(frequency), source)

    heard = changed(Shape(volumes[0], PLAIN), Shape(volumes[1], PLAIN), units)

    assert heard.peaks[1] <= OVER * max(heard.peaks[0], heard.peaks[2])
    assert heard.steps[1] <= OVER * max(heard.steps[0], heard.steps[2])
    ratio = volume_gain(volumes[1]) / volume_gain(volumes[0])
    assert heard.peaks[2] / heard.peaks[0] == pytest.approx(ratio, rel=0.04, abs=0.002)


@pytest.mark.parametrize("source", ["pcm", "packets"])
@pytest.mark.parametrize("filters", [(PLAIN, BASS), (BASS, PLAIN)])
def test_a_change_of_the_equalizer_makes_no_click(
    source: str, filters: tuple[protocol.Filters, protocol.Filters]
) -> None:
    units = as_units(a_tone(), source)

    heard = changed(Shape(100, filters[0]), Shape(100, filters[1]), units)

    assert heard.peaks[1] <= OVER * max(heard.peaks[0], heard.peaks[2])
    assert heard.steps[1] <= OVER * max(heard.steps[0], heard.steps[2])


def test_a_packet_is_as_late_decoded_and_encoded_as_passed_on() -> None:
    tone = a_tone(250)
    units = as_units(tone, "packets")

    passed = opus.decode(shaped(a_shaper(Shape(100, PLAIN)), units))
    encoded = opus.decode(shaped(a_shaper(Shape(101, PLAIN)), units))

    size = 20 * opus.FRAME
    part = passed[size : 2 * size]
    shifts = range(-400, 401)
    likeness = [float(part @ encoded[size + shift : 2 * size + shift]) for shift in shifts]
    # 250 Hz repeats each 192 samples: the best shift is 0 up to whole waves.
    best = shifts[int(np.argmax(likeness))]
    assert min(best % 192, -best % 192) <= 2


def test_packets_pass_bit_for_bit_and_again_soon_after_a_change() -> None:
    units = as_units(a_tone(), "packets")
    packets = [unit.packet for unit in units]

    assert shaped(a_shaper(Shape(100, PLAIN)), units) == packets

    again = a_shaper(Shape(100, PLAIN), before=Shape(50, PLAIN))
    again.warm(units[:WARM])
    made = shaped(again, units[WARM:])
    assert made[5:] == packets[WARM + 5 :]
    assert made[4] != packets[WARM + 4]


def test_every_unit_gives_one_packet_and_the_last_waits_for_the_end() -> None:
    for source, waiting in (("packets", 1), ("pcm", 0)):
        shaper = a_shaper(Shape(50, PLAIN))
        units = as_units(a_tone(), source)

        made = shaped(shaper, units)

        assert len(made) == len(units) - waiting
        assert len(shaper.flush()) == waiting
        assert shaper.flush() == []


@pytest.mark.parametrize("seed", range(8))
def test_a_seek_makes_no_bang_in_a_decoder_that_comes_from_elsewhere(seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.arange(2 * FRAMES * opus.FRAME) / opus.RATE
    sound = np.zeros(len(times))
    for _ in range(24):
        swell = 0.5 + 0.5 * np.sin(2 * np.pi * random.uniform(0.5, 4) * times)
        sound += swell * np.sin(2 * np.pi * random.uniform(60, 6000) * times)
    units = as_units((AMPLITUDE * sound / np.abs(sound).max()).astype(np.float32), "packets")
    packets = [unit.packet or b"" for unit in units]
    at, to = (int(each) for each in random.integers(40, 120, 2))

    sought = a_shaper(Shape(100, PLAIN), settle=True)
    sought.warm(units[to - WARM : to])
    heard = opus.decode([*packets[:at], *shaped(sought, units[to : to + 20])])

    assert np.abs(heard[(at - 1) * opus.FRAME :]).max() <= OVER * AMPLITUDE


@pytest.mark.parametrize("percent", [1, 10, 25, 50, 75, 100, 120, 150, 151, 200, 500, 1000])
def test_the_volume_follows_lavaplayers_curve(percent: int) -> None:
    # PcmVolumeProcessor.java of lavalink-devs/lavaplayer, its integers included; 100 is left alone.
    if percent == 100:
        factor = 10_000
    elif percent <= 150:
        factor = int(math.tan(percent * 0.0079) * 10_000)
    else:
        factor = 24_621 * percent // 150

    assert 20 * math.log10(volume_gain(percent) / (factor / 10_000)) == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("percent", [10, 25, 50, 75, 150])
def test_the_volume_that_is_heard_is_the_curves(percent: int) -> None:
    units = as_units(a_tone() * 0.5, "pcm")
    plain = opus.decode(shaped(a_shaper(Shape(100, PLAIN), bitrate=256_000), units))
    loud = opus.decode(shaped(a_shaper(Shape(percent, PLAIN), bitrate=256_000), units))

    ratio = float(np.std(loud[9600:]) / np.std(plain[9600:]))

    assert 20 * math.log10(ratio / math.tan(percent * 0.0079)) == pytest.approx(0, abs=0.2)
