import functools
import io
import itertools

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.node.errors import MediaError
from legato.node.media.decoding import Media, Unit
from legato.node.media.samples import pcm
from legato.node.rtp import SAMPLES
from legato_simulator import opus, timecode
from support_broken import LONG, corpus, damaged
from support_media import CONTAINERS, FORMATS, TRACK, contained, encode, tone

SECONDS = 4
NEAR_MS = 45


class Buffer(io.BytesIO):
    """A file in memory as a reader."""

    seekable_by_range = True

    @property
    def length(self) -> int:
        return len(self.getbuffer())


def units(data: bytes, start_ms: int = 0) -> list[Unit]:
    with Media(Buffer(data), seek=start_ms > 0) as media:
        return list(media.units(start_ms * 48))


def sound(given: list[Unit]) -> opus.Samples:
    """Decode units from the first one on that a listener hears."""
    packets = [unit.packet for unit in given if unit.packet is not None]
    if packets:
        return opus.decode(packets)
    raw = b"".join(pcm(unit.sound) for unit in given if unit.sound is not None)
    mono: opus.Samples = (np.frombuffer(raw, np.int16).reshape(-1, 2).mean(axis=1) / 32768).astype(
        np.float32
    )
    return mono


def coded(codec: str, container: str = "ogg", layout: str = "stereo", **options: str) -> bytes:
    sound = timecode.tone(TRACK, SECONDS * 1000)
    return encode(sound, container, codec, layout=layout, **options)


def vorbis() -> bytes:
    return coded("vorbis", strict="experimental")


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("start_ms", [0, 1230])
def test_every_format_gives_units_in_step_from_any_position(ending: str, start_ms: int) -> None:
    given = [u for u in units(tone(ending, SECONDS), start_ms) if u.position >= start_ms * 48]

    (segment,) = timecode.analyse(sound(given)).segments
    assert abs(segment.start_ms - start_ms) <= NEAR_MS
    assert [unit.position for unit in given] == [
        given[0].position + number * SAMPLES for number in range(len(given))
    ]


@pytest.mark.parametrize("start_ms", [0, 1230])
def test_opus_of_60_ms_is_decoded_and_cut(start_ms: int) -> None:
    given = units(coded("libopus", frame_duration="60"), start_ms)

    assert all(unit.sound is not None and unit.sound.samples == SAMPLES for unit in given)
    (segment,) = timecode.analyse(sound(given)).segments
    assert abs(segment.start_ms - start_ms) <= NEAR_MS


@pytest.mark.parametrize("start_ms", [0, 1230])
def test_opus_in_mono_passes_as_it_is(start_ms: int) -> None:
    given = units(coded("libopus", layout="mono"), start_ms)

    assert all(unit.packet is not None for unit in given)
    heard = [unit for unit in given if unit.position >= start_ms * 48]
    (segment,) = timecode.analyse(sound(heard)).segments
    assert abs(segment.start_ms - start_ms) <= NEAR_MS


@pytest.mark.parametrize("start_ms", [0, 1230])
def test_ogg_vorbis_is_decoded(start_ms: int) -> None:
    given = units(vorbis(), start_ms)

    (segment,) = timecode.analyse(sound(given)).segments
    assert abs(segment.start_ms - start_ms) <= NEAR_MS


WHOLE = 8
TOLERANCE = 48
"""Samples: Matroska tells whole milliseconds."""


def made(name: str) -> bytes:
    return contained(name, WHOLE)


@functools.cache
def played_through(name: str) -> list[Unit]:
    return units(made(name))


def samples(given: list[Unit]) -> opus.Samples:
    return np.concatenate([sound([unit]) for unit in given])


def lag(part: opus.Samples, whole: opus.Samples, at: int) -> int | None:
    """Say by how many samples a part lies elsewhere than where it should; None for other sound."""
    for shift in sorted(range(-TOLERANCE, TOLERANCE + 1), key=abs):
        there = whole[max(0, at + shift) :][: len(part)]
        if len(there) == len(part) and np.corrcoef(there, part)[0, 1] > 0.99:
            return shift
    return None


@pytest.mark.parametrize("ms", [20, 1230, 3337, 7030, 7510])
@pytest.mark.parametrize("name", CONTAINERS)
def test_from_any_position_on_it_is_the_sound_of_the_whole_from_there(name: str, ms: int) -> None:
    whole = played_through(name)
    given = units(made(name), ms)

    if whole[0].packet is not None:
        packets = {unit.position: unit.packet for unit in whole}
        assert all(packets[unit.position] == unit.packet for unit in given)
        first = next(unit for unit in given if unit.position + SAMPLES > ms * 48)
        assert 0 <= ms * 48 - first.position < SAMPLES
        return
    assert abs(given[0].position - ms * 48) <= 4 * TOLERANCE
    beginning = samples(given[:10])
    # Where a decoder begins anew its very first frame may still be another's.
    at = given[0].position - whole[0].position
    found = lag(beginning[SAMPLES:], samples(whole), at + SAMPLES)
    assert found is not None, "another sound"


def test_a_wav_file_is_known_from_its_first_bytes() -> None:
    class Counting(Buffer):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    reader = Counting(tone("wav", SECONDS))
    with Media(reader, seek=False) as media:
        next(iter(media.units(0)))

    assert reader.taken < 256 * 1024


def damage() -> st.SearchStrategy[int]:
    return st.integers(min_value=0, max_value=1 << 32)


def consumed(data: bytes, start_ms: int) -> int | MediaError:
    """Play a file as far as a player would; only MediaError may come out of it."""
    try:
        with Media(Buffer(data), seek=start_ms > 0) as media:
            _ = media.duration_ms, media.tags
            return sum(1 for _ in itertools.islice(media.units(start_ms * 48), 2_000))
    except MediaError as error:
        return error


@pytest.mark.parametrize("name", corpus())
@pytest.mark.parametrize("start_ms", [0, 1_000])
def test_a_file_that_lies_is_played_or_refused(name: str, start_ms: int) -> None:
    outcome = consumed(corpus()[name], start_ms)

    assert isinstance(outcome, int) or outcome.message


@pytest.mark.parametrize("name", CONTAINERS)
@settings(max_examples=40, deadline=None)
@given(seed=damage(), start_ms=st.sampled_from([0, 1_000, 3_900, 9_000]))
def test_a_damaged_file_is_played_or_refused(name: str, seed: int, start_ms: int) -> None:
    outcome = consumed(damaged(contained(name, LONG), seed), start_ms)

    assert isinstance(outcome, int) or outcome.message


@pytest.mark.parametrize("ending", FORMATS)
def test_beyond_its_end_a_file_gives_nothing_and_is_not_broken(ending: str) -> None:
    assert consumed(tone(ending, SECONDS), 60_000) == 0


def test_a_tag_that_is_no_utf_8_is_read_as_windows_wrote_it() -> None:
    sound = timecode.tone(TRACK, 500)
    target = io.BytesIO()
    with av.open(target, "w", format="wav") as out:
        out.metadata["title"] = "Gr@ner Tee"
        stream = out.add_stream("pcm_s16le", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray((sound * 32767).astype(np.int16)[None], layout="mono")
        frame.sample_rate = 48_000
        out.mux(stream.encode(frame))
    data = target.getvalue().replace(b"Gr@ner", b"Gr\xfcner")

    with Media(Buffer(data), seek=False) as media:
        assert media.tags["title"] == "Grüner Tee"


def test_a_stream_that_changes_its_rate_on_the_way_is_played_on() -> None:
    slow = io.BytesIO()
    with av.open(slow, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=24_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), layout="mono")
        frame.sample_rate = 24_000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    both = tone("mp3", SECONDS) + slow.getvalue()

    played = units(both)

    assert len(played) * 20 >= SECONDS * 1000 + 1_900
