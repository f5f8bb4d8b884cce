import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato_simulator import opus, timecode


def _through_opus(samples: timecode.Samples, bitrate: int = 96_000) -> timecode.Samples:
    return opus.decode(opus.encode(samples, bitrate=bitrate))


@settings(max_examples=10, deadline=None)
@given(
    track=st.integers(0, 15),
    start=st.integers(0, 20 * 60_000),
    phase=st.integers(0, timecode.FRAME - 1),
)
def test_any_moment_of_any_track_is_read_within_three_milliseconds(track, start, phase):
    sound = timecode.tone(track, 400, start_ms=start)

    analysis = timecode.analyse(np.concatenate([np.zeros(phase, np.float32), sound]))

    (segment,) = analysis.segments
    assert segment.track == track
    where = segment.start_ms - segment.heard_from_ms + phase / 48
    assert where == pytest.approx(start, abs=3)


@pytest.mark.parametrize("bitrate", [64_000, 96_000, 128_000])
def test_opus_keeps_the_time_code_with_its_constant_delay(bitrate):
    analysis = timecode.analyse(_through_opus(timecode.tone(5, 8_000, start_ms=3_000), bitrate))

    (segment,) = analysis.segments
    assert segment.track == 5
    assert segment.start_ms - segment.heard_from_ms == pytest.approx(3_000 - 6.5, abs=3)
    assert segment.end_ms - segment.start_ms > 7_950
    assert analysis.skipped_ms == analysis.repeated_ms == 0
    assert analysis.unreadable_ms < 50


@pytest.mark.parametrize("lost", [1, 2, 7, 40])
def test_lost_packets_are_skipped_sound(lost):
    packets = list(opus.encode(timecode.tone(2, 6_000)))

    analysis = timecode.analyse(opus.decode(packets[:100] + packets[100 + lost :]))

    assert analysis.skipped_ms == pytest.approx(20 * lost, abs=6)
    assert analysis.repeated_ms == 0


@pytest.mark.parametrize("again", [1, 3, 100])
def test_packets_sent_again_are_sound_heard_twice(again):
    packets = list(opus.encode(timecode.tone(2, 6_000)))

    analysis = timecode.analyse(opus.decode(packets[:150] + packets[150 - again :]))

    assert analysis.repeated_ms == pytest.approx(20 * again, abs=6)
    assert analysis.skipped_ms == 0


def test_a_pause_skips_nothing():
    packets = list(opus.encode(timecode.tone(2, 6_000)))
    silence = [b"\xf8\xff\xfe"] * 5

    analysis = timecode.analyse(opus.decode(packets[:150] + silence + packets[150:]))

    assert [round(jump.silent_ms) for jump in analysis.jumps] == [pytest.approx(100, abs=20)]
    assert analysis.skipped_ms + analysis.repeated_ms < 20


def test_two_tracks_show_the_silence_between_them():
    gap = np.zeros(48 * 40, np.float32)
    sound = np.concatenate([timecode.tone(1, 2_000), gap, timecode.tone(9, 2_000)])

    analysis = timecode.analyse(_through_opus(sound))

    assert [segment.track for segment in analysis.segments] == [1, 9]
    assert analysis.segments[0].end_ms == pytest.approx(2_000, abs=15)
    assert analysis.segments[1].start_ms == pytest.approx(0, abs=15)
    assert analysis.jumps[0].silent_ms == pytest.approx(40, abs=10)


@pytest.mark.parametrize("gain", [0.05, 0.5, 2.0])
def test_the_volume_shows_in_the_loudness_and_not_in_the_moments(gain):
    plain = timecode.analyse(_through_opus(timecode.tone(7, 3_000)))
    changed = timecode.analyse(_through_opus(timecode.tone(7, 3_000) * np.float32(gain)))

    assert len(changed.segments) == 1
    assert changed.segments[0].start_ms == pytest.approx(plain.segments[0].start_ms, abs=6)
    difference = changed.segments[0].loudness_db - plain.segments[0].loudness_db
    assert difference == pytest.approx(20 * np.log10(gain), abs=1.5)


def test_noise_and_silence_have_no_time_code():
    noise = np.random.default_rng(1).normal(0, 0.2, 48_000).astype(np.float32)

    assert timecode.analyse(noise).segments == []
    assert timecode.analyse(np.zeros(48_000, np.float32)).segments == []
    assert timecode.analyse(np.zeros(0, np.float32)).segments == []
