"""Sound on its way through a media worker: frames of any length in, frames of 20 ms out.

Everything is 16 bits, stereo, 48 kHz, and stays in FFmpeg's frames: no Python object a sample.
"""

from collections.abc import Iterable
from fractions import Fraction

import av

from legato.node.rtp import SAMPLES

RATE = 48_000
LAYOUT, FORMAT = "stereo", "s16"
TIME_BASE = Fraction(1, RATE)
UNIT_BYTES = SAMPLES * 4
"""Two channels of 16 bits."""


class Samples:
    """A queue of sound."""

    def __init__(self) -> None:
        self._fifo = av.AudioFifo()
        self._skip = 0

    def __len__(self) -> int:
        return self._fifo.samples

    def skip(self, samples: int) -> None:
        """Drop so many of the samples to come."""
        self._skip += max(0, samples)

    def add(self, frames: Iterable[av.AudioFrame]) -> None:
        """Take sound in."""
        for frame in frames:
            # The fifo would compare it with its own count.
            frame.pts = None
            self._fifo.write(frame)
        if self._skip:
            dropped = self._fifo.read(self._skip, partial=True)
            self._skip -= 0 if dropped is None else dropped.samples

    def take(self) -> av.AudioFrame | None:
        """Give the next 20 ms, if they are there."""
        return self._fifo.read(SAMPLES)

    def rest(self) -> av.AudioFrame | None:
        """Give what is left of less than 20 ms, filled up with silence."""
        last = self._fifo.read(SAMPLES, partial=True)
        return None if last is None else frame(pcm(last))


def pcm(sound: av.AudioFrame) -> bytes:
    """Give a frame's samples as bytes."""
    return bytes(sound.planes[0])[: sound.samples * 4]


def frame(samples: bytes) -> av.AudioFrame:
    """Make a frame of 20 ms, filled up with silence."""
    made = av.AudioFrame(format=FORMAT, layout=LAYOUT, samples=SAMPLES, align=1)
    made.planes[0].update(samples[:UNIT_BYTES].ljust(UNIT_BYTES, b"\0"))
    made.sample_rate, made.time_base = RATE, TIME_BASE
    return made
