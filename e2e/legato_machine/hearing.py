"""What a listener may notice: nothing ("unbroken"), or a move between nodes ("moved").

Judged on the stream: sequence, timestamps and time code. Of the wall clock only the gap between
packets counts, and only what it is beyond the control stream of the same run.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from legato_machine.room import Hall, Place
from legato_simulator.listener import Report
from legato_simulator.timecode import Analysis

BEYOND_CONTROL_MS = 200.0
FRAME_MS = 20.0
MOST_REPEATED_MS = 1000.0
MOST_REPEATED_PLANNED_MS = 100.0
MOST_SILENCE_MS = 3000.0
MOST_SILENCE_PLANNED_MS = 500.0


@dataclass(slots=True)
class Control:
    """The machine's own noise while something was listened to."""

    worst_ms: float = 0.0


@contextlib.asynccontextmanager
async def control(machine: Place) -> AsyncIterator[Control]:
    """Measure a stream that nothing befalls; known once the block has ended."""
    found = Control()
    began = (await machine.voice.voice_control_start()).now
    try:
        yield found
    finally:
        report = await machine.voice.voice_control(since=began)
        found.worst_ms = report.worst_gap_ms if report else 0.0


async def unbroken(room: Hall, noise: Control, *, between_ms: float = 0.0) -> None:
    """Assert that the listener noticed nothing at all since the first packet.

    `between_ms` is how long the next track may wait for something slow.
    """
    report = await _report(room)
    analysis = (await room.moments()).analysis
    assert report.unbroken, report
    most = noise.worst_ms + BEYOND_CONTROL_MS + between_ms
    assert report.longest_silence_ms <= most, f"{report.longest_silence_ms:.0f} ms of silence"
    assert (analysis.skipped_ms, analysis.repeated_ms) == (0, 0), analysis.jumps


async def moved(room: Hall, noise: Control, *, planned: bool, times: int = 1) -> None:
    """Assert that the listener heard at most what so many moves to another node cost."""
    report = await _report(room)
    analysis = (await room.moments()).analysis
    most = MOST_SILENCE_PLANNED_MS if planned else MOST_SILENCE_MS
    assert report.longest_silence_ms <= noise.worst_ms + most
    assert analysis.skipped_ms <= times * FRAME_MS, analysis.jumps
    twice = MOST_REPEATED_PLANNED_MS if planned else MOST_REPEATED_MS
    assert analysis.repeated_ms <= times * twice, analysis.jumps


async def rejoined(room: Hall, noise: Control) -> None:
    """Assert that all of the sound came back, soon after Discord itself had ended it."""
    was_rejoined(await _report(room), (await room.moments()).analysis, noise)


def was_rejoined(report: Report, analysis: Analysis, noise: Control) -> None:
    """Judge the same by what a room had heard."""
    assert report.longest_silence_ms <= noise.worst_ms + MOST_SILENCE_MS
    none_lost(analysis)


def none_lost(analysis: Analysis) -> None:
    """Assert that a little of the track was heard twice at most, and nothing left out."""
    assert analysis.skipped_ms == 0, analysis.jumps
    assert analysis.repeated_ms <= MOST_REPEATED_MS, analysis.jumps


async def _report(room: Hall) -> Report:
    report = await room.report()
    assert report is not None
    return report
