"""Pause, resume, seek and volume, as the listener hears them."""

import pytest

from legato_machine.machine import Machine

pytestmark = pytest.mark.asyncio(loop_scope="module")
HALF_DB = -7.6
"""Lavaplayer's curve, which nodes follow: 20 log10(tan(50 * 0.0079))."""


async def test_a_pause_ends_in_silence_frames_and_resumes_where_it_was(stage: Machine) -> None:
    room = await stage.room("pauses")
    await room.play("tone-1-180s.ogg")
    await room.hears(1, after=1500)

    await room.type("pause")
    paused = await room.quiet()
    last = (await room.moments()).moments[-1]
    await room.type("resume")
    await room.hears(1, after=last.ms + 1500)

    assert paused.silence >= 5
    report = await room.report()
    assert report is not None
    assert report.unbroken
    analysis = (await room.moments()).analysis
    assert analysis.skipped_ms <= 40
    assert analysis.repeated_ms <= 40


async def test_a_seek_leads_to_the_second_that_was_asked_for(stage: Machine) -> None:
    room = await stage.room("seeks")
    await room.play("tone-2-180s.ogg")
    await room.hears(2, after=1000)
    before = await room.now()

    await room.type("seek", {"to": "2:00"})

    moment = await room.hears(2, after=120_000)
    assert moment.ms < 130_000
    found = (await room.moments(since=before)).moments
    first = next(each for each in found if each.ms > 100_000)
    assert abs(first.ms - 120_000) <= 40
    report = await room.report()
    assert report is not None
    assert report.unbroken


async def test_loudness_follows_the_volume(stage: Machine) -> None:
    room = await stage.room("turns down")
    await room.play("tone-3-180s.mp3")
    await room.hears(3, after=2000)
    loud = await room.heard()

    await room.type("volume", {"percent": 50})
    changed = await room.now()
    reached = await room.hears(3, after=(await room.hears(3)).ms + 2500)
    soft = await room.heard(since=changed + 1.0)

    assert abs(soft.loudness_db - loud.loudness_db - HALF_DB) < 1.0
    analysis = (await room.moments()).analysis
    assert reached.track == 3
    assert analysis.skipped_ms <= 40
    assert analysis.repeated_ms <= 40
