"""Opus packets to samples and back, by PyAV; nothing else of the listener decodes.

It knows no stream: one call takes one stretch of packets of one encoder.
"""

from collections.abc import Iterable, Iterator

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
RATE = 48_000
FRAME = 960


def decode(payloads: Iterable[bytes]) -> Samples:
    """Decode to mono samples, 960 a packet; a packet that can't be decoded is 20 ms of silence."""
    decoder = av.CodecContext.create("libopus", "r")
    if not isinstance(decoder, av.AudioCodecContext):
        raise TypeError("PyAV's libopus is no audio codec")
    decoder.sample_rate, decoder.layout = RATE, "stereo"
    parts = [_frame(decoder, payload) for payload in payloads]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _frame(decoder: av.AudioCodecContext, payload: bytes) -> Samples:
    try:
        frames = decoder.decode(av.Packet(payload))
    except av.error.FFmpegError:
        return np.zeros(FRAME, np.float32)
    parts = [_mono(frame) for frame in frames]
    return np.concatenate(parts) if parts else np.zeros(FRAME, np.float32)


def _mono(frame: av.AudioFrame) -> Samples:
    raw = frame.to_ndarray()
    channels = raw if frame.format.is_planar else raw.reshape(-1, len(frame.layout.channels)).T
    scale = 32768.0 if raw.dtype == np.int16 else 1.0
    mono: Samples = (channels.astype(np.float32).mean(axis=0) / scale).astype(np.float32)
    return mono


def encode(samples: Samples, *, bitrate: int = 96_000) -> Iterator[bytes]:
    """Encode samples, mono (n,) or stereo (2, n), to packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    if not isinstance(encoder, av.AudioCodecContext):
        raise TypeError("PyAV's libopus is no audio codec")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "stereo", "s16"
    encoder.bit_rate = bitrate
    encoder.options = {"vbr": "on", "application": "audio", "frame_duration": "20"}
    for start in range(0, samples.shape[-1] - FRAME + 1, FRAME):
        frame = audio_frame(samples[..., start : start + FRAME], start)
        for packet in encoder.encode(frame):
            yield bytes(packet)
    for packet in encoder.encode(None):
        yield bytes(packet)


def audio_frame(samples: Samples, start: int) -> av.AudioFrame:
    """Wrap samples, mono (n,) or stereo (2, n), as a 16-bit stereo frame."""
    stereo = np.stack([samples, samples]) if samples.ndim == 1 else samples
    clipped = np.clip(stereo, -1.0, 1.0) * 32767
    packed = np.ascontiguousarray(clipped.T.astype(np.int16).reshape(1, -1))
    frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
    frame.sample_rate, frame.pts = RATE, start
    return frame
