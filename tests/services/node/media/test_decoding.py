import io

import numpy as np
import pytest

from legato.node.media.decoding import Media, Unit
from legato.node.media.samples import pcm
from legato.node.rtp import SAMPLES
from legato_simulator import opus, timecode
from support_media import FORMATS, TRACK, encode, tone

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
