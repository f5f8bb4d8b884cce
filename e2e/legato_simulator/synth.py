"""Instruments, effects and a mixing desk, in samples.

Pure: numbers in, samples out; a seed makes every noise the same each time. It knows no music.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Mono = NDArray[np.float32]
Stereo = NDArray[np.float32]
"""Shape (2, n)."""
RATE = 48_000
PEAK = 10 ** (-1.5 / 20)
"""Of the finished piece: lossy codecs overshoot, so there is room above it."""
RMS_DB = -18.0


def hertz(midi: float) -> float:
    """Turn a MIDI note number into its pitch."""
    return float(440.0 * 2 ** ((midi - 69) / 12))


def _time(seconds: float) -> Mono:
    return (np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def _swell(count: int, attack: float, release: float) -> Mono:
    """Rise and fall along half cosines, so that no note begins or ends with a click."""
    shape = np.ones(count, np.float32)
    up, down = min(int(attack * RATE), count // 2), min(int(release * RATE), count // 2)
    shape[:up] = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, up))
    if down:
        shape[-down:] = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, down))
    return shape


@cache
def electric_piano(midi: int, seconds: float) -> Mono:
    """Sound a soft bell-like piano: one sine bends another, less and less."""
    t, f = _time(seconds), 2 * np.pi * hertz(midi)
    bend = 1.4 * np.exp(-3.0 * t) + 0.25
    tine = 0.12 * np.exp(-9.0 * t) * np.sin(7 * f * t)
    body = np.sin(f * t + bend * np.sin(f * t)) + tine
    sound: Mono = (body * np.exp(-1.3 * t) * _swell(len(t), 0.004, 0.12)).astype(np.float32)
    return sound


@cache
def pluck(midi: int, seconds: float) -> Mono:
    """Sound a plucked string: upper partials die first."""
    t, f = _time(seconds), hertz(midi)
    sound = np.zeros(len(t), np.float32)
    for k in range(1, min(14, int(9_000 / f)) + 1):
        partial = np.sin(2 * np.pi * f * k * (1 + 0.0002 * k * k) * t)
        sound += (partial * np.exp(-(1.6 + 1.1 * k) * t) / k**1.1).astype(np.float32)
    return sound * _swell(len(t), 0.003, 0.08)


@cache
def pad(midi: int, seconds: float) -> Mono:
    """Sound a slow, wide chord voice: three detuned soft saws."""
    t = _time(seconds)
    sound = np.zeros(len(t), np.float32)
    for number, cents in enumerate((-5.0, 0.0, 6.0)):
        f = hertz(midi) * 2 ** (cents / 1200)
        for k in range(1, max(2, int(2_600 / f)) + 1):
            phase = 2.1 * k + number
            sound += (np.sin(2 * np.pi * f * k * t + phase) / k**1.7 / 3).astype(np.float32)
    return sound * _swell(len(t), min(1.1, seconds / 3), min(1.4, seconds / 3))


@cache
def bass(midi: int, seconds: float) -> Mono:
    """Sound a round bass with enough second partial for small speakers."""
    t, f = _time(seconds), 2 * np.pi * hertz(midi)
    body = np.sin(f * t) + 0.35 * np.sin(2 * f * t) * np.exp(-3 * t)
    soft = np.tanh(1.4 * body) * np.exp(-0.9 * t)
    shaped: Mono = (soft * _swell(len(t), 0.008, 0.06)).astype(np.float32)
    return shaped


@cache
def music_box(midi: int, seconds: float) -> Mono:
    """Sound a comb's tooth: a pure tone with two partials that are not harmonics."""
    t, f = _time(seconds), 2 * np.pi * hertz(midi)
    tone = np.sin(f * t) * np.exp(-2.2 * t)
    tone = tone + 0.3 * np.sin(2.76 * f * t) * np.exp(-6 * t)
    tone = tone + 0.1 * np.sin(5.4 * f * t) * np.exp(-11 * t)
    shaped: Mono = (tone * _swell(len(t), 0.002, 0.1)).astype(np.float32)
    return shaped


@cache
def kick() -> Mono:
    """Sound a soft bass drum."""
    t = _time(0.32)
    phase = 2 * np.pi * (48 * t + 70 / 30 * (1 - np.exp(-30 * t)))
    shaped: Mono = (np.sin(phase) * np.exp(-11 * t) * _swell(len(t), 0.002, 0.05)).astype(
        np.float32
    )
    return shaped


@cache
def brush() -> Mono:
    """Sound a brushed snare."""
    t = _time(0.22)
    hiss = band(_noise(len(t), 3), 900, 7_500)
    tone = 0.3 * np.sin(2 * np.pi * 190 * t) * np.exp(-28 * t)
    shaped: Mono = ((hiss * np.exp(-18 * t) + tone) * _swell(len(t), 0.004, 0.05)).astype(
        np.float32
    )
    return shaped


@cache
def hat() -> Mono:
    """Sound a closed hi-hat."""
    t = _time(0.07)
    shaped: Mono = band(_noise(len(t), 5), 6_500, 13_000) * np.exp(-55 * t)
    return (shaped * _swell(len(t), 0.001, 0.02)).astype(np.float32)


def _noise(count: int, seed: int) -> Mono:
    return np.random.default_rng(seed).normal(0, 0.5, count).astype(np.float32)


def band(sound: Mono, low: float, high: float) -> Mono:
    """Keep a band of frequencies, with soft edges."""
    count = sound.shape[-1]
    size = 1 << (count - 1).bit_length()
    f = np.fft.rfftfreq(size, 1 / RATE)
    keep = 1 / (1 + (low / np.maximum(f, 1)) ** 4) / (1 + (f / high) ** 4)
    kept: Mono = np.fft.irfft(np.fft.rfft(sound, size) * keep, size).astype(np.float32)
    return kept[..., :count]


class Desk:
    """A stereo bus onto which notes are laid."""

    def __init__(self, seconds: float) -> None:
        self.sound: Stereo = np.zeros((2, int(seconds * RATE)), np.float32)

    def lay(self, note: Mono, at: float, *, gain: float, pan: float = 0.0) -> None:
        """Add a note at a moment in s; `pan` is -1 left to 1 right, at constant power."""
        start = int(at * RATE)
        part = note[: max(0, self.sound.shape[1] - start)]
        angle = (pan + 1) * np.pi / 4
        sides = np.array([[np.cos(angle)], [np.sin(angle)]], np.float32) * np.float32(gain)
        self.sound[:, start : start + len(part)] += sides * part


def echo(sound: Stereo, seconds: float, *, feedback: float, mix: float) -> Stereo:
    """Repeat a sound, each time on the other side and softer."""
    out, tail, step = sound.copy(), sound, int(seconds * RATE)
    for turn in range(1, 6):
        shifted = np.zeros_like(tail)
        shifted[:, step:] = tail[::-1, :-step] * np.float32(feedback)
        tail = shifted
        out += tail * np.float32(mix * 0.95**turn)
    return out


def room(sound: Stereo, seconds: float, *, mix: float) -> Stereo:
    """Put a sound into a room: noise that dies away, another one on each side."""
    length = int(seconds * 1.5 * RATE)
    t = np.arange(length, dtype=np.float32) / RATE
    wet = np.empty_like(sound)
    for side in range(2):
        tail = band(_noise(length, 11 + side), 180, 5_200) * np.exp(-6.9 * t / seconds)
        tail[: int(0.012 * RATE)] = 0
        tail /= np.sqrt((tail**2).sum())
        wet[side] = _convolve(sound[side], tail.astype(np.float32))
    return sound + wet * np.float32(mix)


def _convolve(sound: Mono, tail: Mono) -> Mono:
    """Convolve block by block, so that a long piece needs little memory."""
    size = 1 << 18
    step = size - len(tail)
    spectrum = np.fft.rfft(tail, size)
    out = np.zeros(len(sound) + size, np.float32)
    for start in range(0, len(sound), step):
        block = np.fft.rfft(sound[start : start + step], size)
        out[start : start + size] += np.fft.irfft(block * spectrum, size).astype(np.float32)
    return out[: len(sound)]


def master(sound: Stereo, *, fade_in: float, fade_out: float) -> Stereo:
    """Finish a piece: no rumble, one loudness for all, peaks rounded off, soft ends."""
    clean = band(sound, 28, 17_000)
    rms = float(np.sqrt((clean.astype(np.float64) ** 2).mean()))
    level = clean * np.float32(10 ** (RMS_DB / 20) / max(rms, 1e-9))
    rounded = PEAK * np.tanh(level / PEAK)
    finished: Stereo = (rounded * _swell(sound.shape[1], fade_in, fade_out)).astype(np.float32)
    return finished
