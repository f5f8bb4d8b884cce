"""Lavalink's filters as lines of FFmpeg's, with lavadsp's formulas. Pure; knows no graph.

A line is what sound goes through in turn; `Mix` is several lines side by side, summed.
github.com/natanbc/lavadsp has the formulas, Lavalink's FilterChain.kt the order: what is named last
in the protocol is applied first.
"""

import math
from dataclasses import dataclass
from typing import Union

from legato.node import protocol
from legato.node.media import equalizer
from legato.node.media.equalizer import RATE

Line = tuple[Union["Filter", "Mix"], ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """One of FFmpeg's filters with its arguments."""

    name: str
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Mix:
    """Lines side by side; an empty one is the sound as it was."""

    lines: tuple[Line, ...]


CLIP = Filter("asoftclip", "type=hard")
"""lavadsp keeps what these filters give within full scale."""

VIBRATO_DELAY, FFMPEG_VIBRATO_DELAY = 0.002, 0.005
"""Seconds that the two vibratos swing through at depth 1."""

TEMPO_FROM, TEMPO_TO = 0.5, 100.0
"""What one `atempo` can do."""


def line(filters: protocol.Filters) -> Line:
    """Give what the sound goes through, but for the volume."""
    parts: list[Filter | Mix] = []
    parts += _low_pass(filters.low_pass or None)
    parts += _channel_mix(filters.channel_mix or None)
    parts += _rotation(filters.rotation or None)
    parts += _distortion(filters.distortion or None)
    parts += _vibrato(filters.vibrato or None)
    parts += _tremolo(filters.tremolo or None)
    parts += _timescale(filters.timescale or None)
    parts += _karaoke(filters.karaoke or None)
    parts += _equalizer(filters.equalizer or ())
    return tuple(parts)


def pace(filters: protocol.Filters) -> float | None:
    """Say how many seconds of a track one second of sound is; None where time is left alone."""
    given = filters.timescale or protocol.Timescale()
    return None if given == protocol.Timescale() else given.speed * given.rate


def _low_pass(given: protocol.LowPass | None) -> Line:
    if given is None or given.smoothing <= 1:
        return ()
    part = 1 / given.smoothing
    return (_biquad(b0=part, a1=part - 1),)


def _channel_mix(given: protocol.ChannelMix | None) -> Line:
    if given is None or given == protocol.ChannelMix():
        return ()
    left = _sum(given.left_to_left, given.right_to_left)
    return (_pan(left, _sum(given.left_to_right, given.right_to_right)), CLIP)


def _rotation(given: protocol.Rotation | None) -> Line:
    """Swing each channel between 0 and 1, the one against the other."""
    if given is None or abs(given.rotation_hz) < 0.01:
        return ()
    offsets = (0, 0.5) if given.rotation_hz > 0 else (0.5, 0)
    shape = f"mode=sine:amount=1:timing=hz:hz={abs(given.rotation_hz):.6f}"
    return (Filter("apulsator", f"{shape}:offset_l={offsets[0]}:offset_r={offsets[1]}"),)


def _distortion(given: protocol.Distortion | None) -> Line:
    if given is None or given == protocol.Distortion():
        return ()
    d = given
    sine = f"({d.sin_offset:f}+sin(val(ch)*{d.sin_scale:f}))"
    cosine = f"({d.cos_offset:f}+cos(val(ch)*{d.cos_scale:f}))"
    tangent = f"({d.tan_offset:f}+tan(val(ch)*{d.tan_scale:f}))"
    formula = f"clip({d.offset:f}+{d.scale:f}*{sine}*{cosine}*{tangent},-1,1)"
    escaped = formula.replace(",", "\\,")
    return (Filter("aeval", f"exprs={escaped}|{escaped}"),)


def _vibrato(given: protocol.Vibrato | None) -> Line:
    if given is None or not given.depth or given.frequency < 0.1:
        return ()
    depth = given.depth * VIBRATO_DELAY / FFMPEG_VIBRATO_DELAY
    return (Filter("vibrato", f"f={given.frequency:.6f}:d={depth:.6f}"),)


def _tremolo(given: protocol.Tremolo | None) -> Line:
    if given is None or not given.depth or given.frequency < 0.1:
        return ()
    return (Filter("tremolo", f"f={given.frequency:.6f}:d={given.depth:.6f}"),)


def _timescale(given: protocol.Timescale | None) -> Line:
    """Play at another rate, which moves the pitch too, then set the tempo right."""
    if given is None or given == protocol.Timescale():
        return ()
    parts: list[Filter] = []
    rate, tempo = given.pitch * given.rate, given.speed / given.pitch
    if rate != 1:
        parts += [Filter("asetrate", str(round(RATE * rate))), Filter("aresample", str(RATE))]
    while tempo < TEMPO_FROM:
        parts.append(Filter("atempo", str(TEMPO_FROM)))
        tempo /= TEMPO_FROM
    if abs(tempo - 1) > 1e-6:
        parts.append(Filter("atempo", f"{min(tempo, TEMPO_TO):.6f}"))
    return tuple(parts)


def _karaoke(given: protocol.Karaoke | None) -> Line:
    """Take each channel from the other, and add a band of their mean."""
    if given is None:
        return ()
    rest = math.exp(-2 * math.pi * given.filter_width / RATE)
    turn = -4 * rest / (1 + rest) * math.cos(2 * math.pi * given.filter_band / RATE)
    gain = math.sqrt(max(0.0, 1 - turn * turn / (4 * rest))) * (1 - rest)
    band = _biquad(b0=gain * given.mono_level * given.level, a1=turn, a2=rest)
    mean = _sum(0.5, 0.5)
    sides = _pan(_sum(1, -given.level), _sum(-given.level, 1))
    return (Mix(((sides,), (_pan(mean, mean), band))),)


def _equalizer(bands: tuple[protocol.Band, ...]) -> Line:
    gains = {band.band: equalizer.clamp(band.gain) for band in bands}
    filters = [
        Filter("biquad", equalizer.biquad(band, gain))
        for band, gain in sorted(gains.items())
        if gain
    ]
    return (Mix(((), *((one,) for one in filters))),) if filters else ()


def _sum(left: float, right: float) -> str:
    return f"{left:f}*c0{right:+f}*c1"


def _pan(left: str, right: str) -> Filter:
    return Filter("pan", f"stereo|c0={left}|c1={right}")


def _biquad(*, b0: float, a1: float, a2: float = 0.0) -> Filter:
    terms = {"b0": b0, "b1": 0.0, "b2": 0.0, "a0": 1.0, "a1": a1, "a2": a2}
    return Filter("biquad", ":".join(f"{name}={value:.12f}" for name, value in terms.items()))
