"""What encoding costs and how near it comes to the source: ours beside Lavalink's settings.

The pieces are the simulator's own. How near is told as the mean of each 20 ms frame's ratio of
sound to error (segmental SNR), which counts quiet moments as much as loud ones.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.measured import Row
from legato.node.rtp import SAMPLES
from legato.node.settings import MediaSettings
from legato_simulator import music

RATE = 48_000
DELAY = 312
"""Samples by which libopus' sound comes later."""
LAVALINK = (128_000, 10)
LEAST_DB, MOST_DB, AUDIBLE = -10.0, 60.0, 1e6
"""Bounds of one frame's ratio; frames with less energy are silence."""
Sound = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What came of some music."""

    us: float
    """Core time of a frame."""
    kbits: float
    db: float


def rows(seconds: int, pieces: int) -> list[Row]:
    """Encode some music in both ways."""
    sounds = [_sound(piece, seconds) for piece in music.PIECES[:pieces]]
    settings = MediaSettings()
    chosen = (settings.bitrate, settings.encoding_quality)
    ours, theirs = _encoded(sounds, *chosen), _encoded(sounds, *LAVALINK)
    name = f"libopus, complexity {chosen[1]} at {chosen[0] // 1000} kbit/s"
    base = f"Lavalink's: {LAVALINK[1]} at {LAVALINK[0] // 1000}"
    return [
        Row(
            what=f"{name}: core time of a 20 ms frame of music",
            figure=ours.us,
            unit="µs",
            base=theirs.us,
            base_of=base,
            note=f"{ours.kbits:.0f} kbit/s came of it, of Lavalink's {theirs.kbits:.0f}",
        ),
        Row(
            what=f"{name}: nearness to the source, segmental SNR",
            figure=ours.db,
            unit="dB",
            base=theirs.db,
            base_of=base,
        ),
    ]


def _sound(piece: music.Piece, seconds: int) -> Sound:
    """Compose; two channels of 16 bits' size."""
    composed = np.asarray(music.compose(piece), dtype=np.float64)
    stereo = composed.T if composed.shape[0] == 2 else composed
    whole = seconds * RATE // SAMPLES * SAMPLES
    return np.round(np.clip(stereo[:whole], -1, 1) * 32767)


def _encoded(sounds: Sequence[Sound], bitrate: int, quality: int) -> Encoded:
    found = [_one(sound, bitrate, quality) for sound in sounds]
    return Encoded(
        us=float(np.mean([one.us for one in found])),
        kbits=float(np.mean([one.kbits for one in found])),
        db=float(np.mean([one.db for one in found])),
    )


def _one(sound: Sound, bitrate: int, quality: int) -> Encoded:
    encoder, decoder = _codec("w"), _codec("r")
    encoder.format, encoder.bit_rate, encoder.time_base = "s16", bitrate, Fraction(1, RATE)
    encoder.options = {
        "application": "audio",
        "frame_duration": "20",
        "compression_level": str(quality),
        "packet_loss": "5",
    }
    frames = [_frame(sound, at) for at in range(0, len(sound), SAMPLES)]
    began = time.process_time()
    packets = [bytes(packet) for frame in frames for packet in encoder.encode(frame)]
    took = time.process_time() - began
    heard = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))]
    size = sum(map(len, packets))
    return Encoded(
        us=took / len(packets) * 1e6,
        kbits=size * 8 / (len(packets) * SAMPLES / RATE) / 1000,
        db=_segmental(sound, np.concatenate([_samples(frame) for frame in heard])),
    )


def _frame(sound: Sound, at: int) -> av.AudioFrame:
    samples = sound[at : at + SAMPLES].astype(np.int16).reshape(1, -1)
    made = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
    made.sample_rate, made.time_base, made.pts = RATE, Fraction(1, RATE), at
    return made


def _samples(frame: av.AudioFrame) -> Sound:
    array = frame.to_ndarray().astype(np.float64)
    return array.reshape(-1, 2) if frame.format.is_packed else array.T * 32767


def _segmental(sound: Sound, heard: Sound) -> float:
    """Compare frame by frame, the encoder's delay taken off."""
    heard = heard[DELAY:]
    whole = min(len(sound), len(heard)) // SAMPLES * SAMPLES
    wanted = sound[:whole].reshape(-1, SAMPLES * 2)
    error = wanted - heard[:whole].reshape(-1, SAMPLES * 2)
    energy, noise = (wanted**2).sum(axis=1), (error**2).sum(axis=1) + 1
    ratios = np.clip(
        10 * np.log10(energy[energy > AUDIBLE] / noise[energy > AUDIBLE]), LEAST_DB, MOST_DB
    )
    return float(ratios.mean())


def _codec(mode: str) -> av.AudioCodecContext:
    made = av.CodecContext.create("libopus", "w" if mode == "w" else "r")
    if not isinstance(made, av.AudioCodecContext):
        raise TypeError("libopus is no audio codec")
    made.sample_rate, made.layout = RATE, "stereo"
    return made
