import av
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from legato.node.media.samples import RATE, UNIT_BYTES, Samples, frame, pcm
from legato.node.rtp import SAMPLES

lengths = st.lists(st.integers(1, 3 * SAMPLES), max_size=8)


def ramp(lengths: list[int]) -> list[av.AudioFrame]:
    """Make frames of these lengths whose samples count on."""
    made, at = [], 0
    for length in lengths:
        counted = np.arange(at, at + length).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(np.repeat(counted, 2)[None], format="s16")
        sound.sample_rate = RATE
        made.append(sound)
        at += length
    return made


@given(lengths=lengths, skip=st.integers(-5, 2 * SAMPLES))
def test_what_goes_in_comes_out_in_frames_of_20_ms_without_what_is_skipped(
    lengths: list[int], skip: int
) -> None:
    held, taken = Samples(), []

    held.skip(skip)
    for sound in ramp(lengths):
        held.add([sound])
        while (ready := held.take()) is not None:
            taken.append(pcm(ready))
    left = len(held)
    last = held.rest()

    assert left == max(0, sum(lengths) - max(0, skip)) % SAMPLES
    assert all(len(one) == UNIT_BYTES for one in taken)
    raw = b"".join(taken) + (pcm(last)[: left * 4] if last is not None else b"")
    heard = np.frombuffer(raw, np.int16).reshape(-1, 2)
    wanted = np.arange(max(0, skip), sum(lengths)).astype(np.int16)
    assert np.array_equal(heard, np.stack([wanted, wanted], axis=1))


def test_a_frame_is_filled_up_with_silence() -> None:
    assert pcm(frame(b"\1\0\2\0")) == b"\1\0\2\0" + bytes(UNIT_BYTES - 4)
