"""A tone that says its own moment, and the reading of it: what was skipped, what heard twice.

Pure: samples in, moments out; no socket, no clock, no codec. Every 20 ms frame sounds four digits
at once, each one of 16 tones 100 Hz apart: the frame number's low nibble, its middle nibble, its
two high nibbles in turn, and the track's id. One frame tells the time modulo 5.12 s, two of them
within 21 minutes.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Ints = NDArray[np.int64]

RATE = 48_000
FRAME = 960
FRAME_MS = 20.0
LONGEST_MS = 65_536 * FRAME_MS
HOP = 240
"""A reading every 5 ms: an edge between frames then shows to 2.5 ms."""
HOP_MS = 5.0
BANDS_HZ = (600, 2400, 4200, 6200)
LOUDNESS = 0.2
EDGE = 96
"""Samples of the 2 ms fade at each side of a frame: no click, little spill into other digits."""
CLEAR = 1.6
"""A digit counts when its tone is so much stronger than the next: mixed windows fail."""
SOUNDING = 10 ** (-60 / 20)
TOLERANCE_MS = 4.0
"""How far readings of one run may disagree: codecs smear the edges of frames."""
SHORTEST = 6
"""Windows of the shortest run: it then holds two frames, which name the whole moment."""
LONGEST_HOLE_MS = 2_000.0
"""Within a run, without a reading; beyond 2.56 s the low byte alone would be ambiguous."""


def tone(track: int, milliseconds: float, *, start_ms: float = 0.0) -> Samples:
    """Make a track's tone, mono, from a moment of it on; the id is 0 to 15."""
    if not 0 <= track < 16:
        raise ValueError("a track's id is 0 to 15")
    if start_ms + milliseconds > LONGEST_MS:
        raise ValueError("the time code ends after 21 minutes")
    first = int(start_ms // FRAME_MS)
    skip = round((start_ms - first * FRAME_MS) * RATE / 1000)
    wanted = round(milliseconds * RATE / 1000)
    frames = [_frame(first + n, track) for n in range((skip + wanted) // FRAME + 1)]
    return np.concatenate(frames)[skip : skip + wanted]


def _frame(number: int, track: int) -> Samples:
    high = number >> 12 if number & 1 else number >> 8
    digits = (number & 15, number >> 4 & 15, high & 15, track)
    waves = _WAVES[np.arange(4), digits].sum(axis=0) * _ENVELOPE * LOUDNESS
    shaped: Samples = waves.astype(np.float32)
    return shaped


def _envelope() -> Samples:
    shape = np.ones(FRAME, np.float32)
    shape[:EDGE] = np.sin(np.linspace(0, np.pi / 2, EDGE)) ** 2
    shape[-EDGE:] = shape[:EDGE][::-1]
    return shape


_FREQUENCIES = np.asarray(BANDS_HZ)[:, None] + 100 * np.arange(16)
_PHASES = 2 * np.pi * _FREQUENCIES[:, :, None] * np.arange(FRAME) / RATE
_WAVES = np.sin(_PHASES)
_ENVELOPE = _envelope()
_PROBES = (np.exp(-1j * _PHASES) * np.hanning(FRAME)).reshape(64, FRAME).astype(np.complex64)


@dataclass(frozen=True, slots=True)
class Readings:
    """One reading every 5 ms of samples; unreadable ones have `clear` false."""

    number: Ints
    """The frame number's low byte."""
    high: Ints
    track: Ints
    clear: NDArray[np.bool_]
    loud: NDArray[np.bool_]


def read(samples: Samples) -> Readings:
    """Read every window of 20 ms, 5 ms apart; window k is centred on sample 240 k + 480."""
    count = max(0, (len(samples) - FRAME) // HOP + 1)
    parts = [_read(samples, k, min(k + 2000, count)) for k in range(0, count, 2000)]
    if not parts:
        empty = np.zeros(0, np.int64)
        return Readings(empty, empty, empty, np.zeros(0, np.bool_), np.zeros(0, np.bool_))
    return Readings(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _read(
    samples: Samples, first: int, last: int
) -> tuple[Ints, Ints, Ints, NDArray[np.bool_], NDArray[np.bool_]]:
    windows = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[first * HOP :: HOP]
    windows = np.ascontiguousarray(windows[: last - first])
    scores = np.abs(windows.astype(np.complex64) @ _PROBES.T).reshape(-1, 4, 16)
    ranked = np.partition(scores, (14, 15), axis=2)
    digits = scores.argmax(axis=2)
    clear = (ranked[:, :, -1] > CLEAR * ranked[:, :, -2] + 1e-6).all(axis=1)
    loud = np.sqrt((windows**2).mean(axis=1)) > SOUNDING
    number = digits[:, 0] | digits[:, 1] << 4
    return number, digits[:, 2], digits[:, 3], clear & loud, loud


class Segment(Struct, frozen=True, kw_only=True):
    """A stretch in which one track ran on without a jump."""

    track: int
    start_ms: float
    """Moment of the track at the stretch's beginning."""
    end_ms: float
    heard_from_ms: float
    """Place in the listener's samples, counted from the first packet read."""
    heard_to_ms: float
    loudness_db: float
    """RMS, dB below full scale."""


class Jump(Struct, frozen=True, kw_only=True):
    """Two stretches that do not join."""

    heard_ms: float
    track: int
    next_track: int
    skipped_ms: float
    """Of the track, never heard; 0 at a change of track."""
    repeated_ms: float
    silent_ms: float
    """Of stream time without the tone, between the two."""


class Analysis(Struct, frozen=True, kw_only=True):
    """What was heard of which track, in order."""

    segments: list[Segment]
    jumps: list[Jump]
    skipped_ms: float
    repeated_ms: float
    unreadable_ms: float
    """Loud, but no time code: music, or a filter that bends pitch."""
    total_ms: float


@dataclass(slots=True)
class _Run:
    """Readings on one line: the track's moment minus the listener's (the offset) is constant.

    Each reading bounds the offset to 20 ms; their intersection is 5 ms wide after one frame.
    """

    track: int
    low_ms: float
    high_ms: float
    windows: list[int]
    numbers: list[int]
    highs: list[int]

    def takes(self, window: int, number: int, high: int) -> bool:
        """Add the reading if it lies on the line."""
        if (window - self.windows[-1]) * HOP_MS > LONGEST_HOLE_MS:
            return False
        centre = _centre_ms(window)
        expected = ((self.low_ms + self.high_ms) / 2 + centre) / FRAME_MS - 0.5
        unwrapped = number + 256 * round((expected - number) / 256)
        low, high_ms = unwrapped * FRAME_MS - centre, (unwrapped + 1) * FRAME_MS - centre
        if low > self.high_ms + TOLERANCE_MS or high_ms < self.low_ms - TOLERANCE_MS:
            return False
        self.low_ms, self.high_ms = max(self.low_ms, low), min(self.high_ms, high_ms)
        self.windows.append(window)
        self.numbers.append(unwrapped)
        self.highs.append(high)
        return True

    def offset_ms(self) -> float | None:
        """Say the track's moment at the listener's zero; None if half of the number is missing."""
        votes = list(zip(self.numbers, self.highs, strict=True))
        low = Counter((high - (u >> 8)) & 15 for u, high in votes if not u & 1)
        if not low:
            return None
        page = low.most_common(1)[0][0]
        top = Counter((high - ((u >> 8) + page >> 4)) & 15 for u, high in votes if u & 1)
        if not top:
            return None
        pages = page + 16 * top.most_common(1)[0][0]
        return (self.low_ms + self.high_ms) / 2 + pages * 256 * FRAME_MS


def _centre_ms(window: int) -> float:
    return window * HOP_MS + FRAME_MS / 2


def _runs(readings: Readings) -> Iterator[_Run]:
    """Group clear readings into runs; strays between them are dropped."""
    run: _Run | None = None
    for at in np.flatnonzero(readings.clear):
        window, number = int(at), int(readings.number[at])
        track, high = int(readings.track[at]), int(readings.high[at])
        if run is not None and run.track == track and run.takes(window, number, high):
            continue
        if run is not None and len(run.windows) >= SHORTEST:
            yield run
        start = number * FRAME_MS - _centre_ms(window)
        run = _Run(track, start, start + FRAME_MS, [window], [number], [high])
    if run is not None and len(run.windows) >= SHORTEST:
        yield run


@dataclass(frozen=True, slots=True)
class _Line:
    """A run whose place in its track is known, from its first window's centre to its last."""

    track: int
    offset_ms: float
    from_ms: float
    to_ms: float


def _lines(readings: Readings) -> list[_Line]:
    """Place the runs, joining those that a stray reading had parted."""
    lines: list[_Line] = []
    for run in _runs(readings):
        offset = run.offset_ms()
        if offset is None:
            continue
        line = _Line(run.track, offset, _centre_ms(run.windows[0]), _centre_ms(run.windows[-1]))
        if lines and _joins(lines[-1], line):
            before = lines.pop()
            line = _Line(before.track, before.offset_ms, before.from_ms, line.to_ms)
        lines.append(line)
    return lines


def _joins(before: _Line, after: _Line) -> bool:
    near = abs(after.offset_ms - before.offset_ms) < 2 * TOLERANCE_MS
    return before.track == after.track and near


def analyse(samples: Samples) -> Analysis:
    """Say which tracks were heard, in order, and what was left out or heard again."""
    readings = read(samples)
    lines = _lines(readings)
    loud = _loud_blocks(samples)
    edges = [_edges(a, b, loud) for a, b in pairwise(lines)]
    starts = [_first_sound(lines, loud), *(edge[1] for edge in edges)]
    ends = [*(edge[0] for edge in edges), _last_sound(lines, loud)]
    segments = [
        _segment(line, start, end, samples)
        for line, start, end in zip(lines, starts, ends, strict=False)
    ]
    jumps = [_jump(a, b) for a, b in pairwise(segments)]
    spoken = sum(segment.heard_to_ms - segment.heard_from_ms for segment in segments)
    return Analysis(
        segments=segments,
        jumps=jumps,
        skipped_ms=sum(jump.skipped_ms for jump in jumps),
        repeated_ms=sum(jump.repeated_ms for jump in jumps),
        unreadable_ms=max(0.0, float(loud.sum()) * HOP_MS - spoken),
        total_ms=len(samples) * 1000 / RATE,
    )


def _loud_blocks(samples: Samples) -> NDArray[np.bool_]:
    """Say of each 5 ms whether it sounds."""
    blocks = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    sounding: NDArray[np.bool_] = np.sqrt((blocks**2).mean(axis=1)) > SOUNDING
    return sounding


def _edges(before: _Line, after: _Line, loud: NDArray[np.bool_]) -> tuple[float, float]:
    """Find where one line's sound ends and the next one's begins."""
    first, last = round(before.to_ms / HOP_MS), round(after.from_ms / HOP_MS)
    quiet = np.flatnonzero(~loud[first:last])
    if len(quiet) < 2:
        middle = (before.to_ms + after.from_ms) / 2
        return middle, middle
    return (first + int(quiet[0])) * HOP_MS, (first + int(quiet[-1]) + 1) * HOP_MS


def _first_sound(lines: list[_Line], loud: NDArray[np.bool_]) -> float:
    if not lines:
        return 0.0
    before = np.flatnonzero(~loud[: round(lines[0].from_ms / HOP_MS)])
    return float(before[-1] + 1) * HOP_MS if len(before) else 0.0


def _last_sound(lines: list[_Line], loud: NDArray[np.bool_]) -> float:
    if not lines:
        return 0.0
    first = round(lines[-1].to_ms / HOP_MS)
    after = np.flatnonzero(~loud[first:])
    return float(first + (after[0] if len(after) else len(loud) - first)) * HOP_MS


def _segment(line: _Line, start: float, end: float, samples: Samples) -> Segment:
    part = samples[int(start * RATE / 1000) : int(end * RATE / 1000)]
    return Segment(
        track=line.track,
        start_ms=line.offset_ms + start,
        end_ms=line.offset_ms + end,
        heard_from_ms=start,
        heard_to_ms=end,
        loudness_db=loudness_db(part),
    )


def _jump(before: Segment, after: Segment) -> Jump:
    missing = after.start_ms - before.end_ms if before.track == after.track else 0.0
    return Jump(
        heard_ms=before.heard_to_ms,
        track=before.track,
        next_track=after.track,
        skipped_ms=max(0.0, missing),
        repeated_ms=max(0.0, -missing),
        silent_ms=after.heard_from_ms - before.heard_to_ms,
    )


def loudness_db(samples: Samples) -> float:
    """Measure RMS in dB below full scale; -120 is silence."""
    power = float((samples.astype(np.float64) ** 2).mean()) if len(samples) else 0.0
    return 10 * float(np.log10(max(power, 1e-12)))
