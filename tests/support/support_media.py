"""Time-coded tones in every format that the node plays, made once a test run."""

import functools
import io

import av
import numpy as np
from numpy.typing import NDArray

from legato_simulator import timecode

FORMATS = {
    "opus.ogg": ("ogg", "libopus"),
    "opus.webm": ("webm", "libopus"),
    "mp3": ("mp3", "libmp3lame"),
    "flac": ("flac", "flac"),
    "wav": ("wav", "pcm_s16le"),
    "m4a": ("mp4", "aac"),
    "aac": ("adts", "aac"),
}
CONTAINERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "ogg": ("ogg", "libopus", {}),
    "ogg-opus-60-ms": ("ogg", "libopus", {"frame_duration": "60"}),
    "ogg-vorbis": ("ogg", "vorbis", {"strict": "experimental"}),
    "ogg-flac": ("ogg", "flac", {}),
    "webm": ("webm", "libopus", {}),
    "webm-vorbis": ("webm", "vorbis", {"strict": "experimental"}),
    "mka-aac": ("matroska", "aac", {}),
    "mka-flac": ("matroska", "flac", {}),
    "mp3": ("mp3", "libmp3lame", {}),
    "mp3-without-xing": ("mp3", "libmp3lame", {}),
    "flac": ("flac", "flac", {}),
    "wav": ("wav", "pcm_s16le", {}),
    "m4a": ("mp4", "aac", {}),
    "mp4-opus": ("mp4", "libopus", {}),
    "mp4-flac": ("mp4", "flac", {"strict": "experimental"}),
    "aac": ("adts", "aac", {}),
}
"""Every container with every codec in it that can be made here: name -> format, codec, options."""
SECONDS = 20
TRACK = 5
SINE = 0.6


def tones() -> dict[str, bytes]:
    """Make all of them, by file name."""
    return {f"tone.{ending}": tone(ending) for ending in FORMATS}


@functools.cache
def tone(ending: str, seconds: float = SECONDS, track: int = TRACK) -> bytes:
    """Make one tone's file."""
    return encode(timecode.tone(track, seconds * 1000), *FORMATS[ending])


@functools.cache
def contained(name: str, seconds: float = SECONDS) -> bytes:
    """Make one tone's file in one of CONTAINERS."""
    container, codec, options = CONTAINERS[name]
    data = encode(timecode.tone(TRACK, seconds * 1000), container, codec, **options)
    if name != "mp3-without-xing":
        return data
    second = data.index(b"\xff\xfb", data.index(b"\xff\xfb") + 4)
    assert b"Xing" in data[:second] or b"Info" in data[:second]
    return data[second:]


@functools.cache
def sine(ending: str, seconds: float = SECONDS, frequency: float = 440.0) -> bytes:
    """Make one steady tone's file, at 0.6 of full scale."""
    times = np.arange(int(seconds * 48_000)) / 48_000
    sound = (SINE * np.sin(2 * np.pi * frequency * times)).astype(np.float32)
    return encode(sound, *FORMATS[ending])


def encode(
    sound: NDArray[np.float32],
    container: str,
    codec: str,
    *,
    layout: str = "stereo",
    **options: str,
) -> bytes:
    """Write samples (mono, 48 kHz) as a file."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as out:
        stream = out.add_stream(codec, rate=48_000, options=options)
        assert isinstance(stream, av.AudioStream)
        stream.layout = layout
        if codec != "flac" and not codec.startswith("pcm"):
            stream.bit_rate = 128_000
        pcm = np.repeat((np.clip(sound, -1, 1) * 32767).astype(np.int16), 2)[None]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="stereo")
        frame.sample_rate = 48_000
        frame.pts = 0
        resampler = av.AudioResampler(
            format=stream.codec_context.format or "s16",
            layout=layout,
            rate=48_000,
            frame_size=stream.codec_context.frame_size or None,
        )
        for ready in (*resampler.resample(frame), *resampler.resample(None)):
            out.mux(stream.encode(ready))
        out.mux(stream.encode(None))
    return target.getvalue()
