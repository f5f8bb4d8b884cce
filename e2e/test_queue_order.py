"""Tracks queued one after the other are heard in order, with hardly a breath between them."""

import itertools

import pytest

from legato_machine.machine import Machine

pytestmark = pytest.mark.asyncio(loop_scope="module")
MOST_BETWEEN_MS = 60


async def test_three_tracks_follow_each_other(stage: Machine) -> None:
    room = await stage.room("queues three")

    for link in ("tone-1-6s.ogg", "tone-2-6s.mp3", "tone-3-6s.webm"):
        await room.play(link)
    await room.hears(3, after=5000, timeout=30)

    segments = (await room.moments()).analysis.segments
    assert [segment.track for segment in segments] == [1, 2, 3]
    for before, after in itertools.pairwise(segments):
        assert after.start_ms < 40
        assert after.heard_from_ms - before.heard_to_ms <= MOST_BETWEEN_MS


async def test_the_queue_shows_what_waits_and_stop_empties_it(stage: Machine) -> None:
    room = await stage.room("shows its queue")
    for track in (1, 2, 3):
        await room.play(f"tone-{track}-60s.ogg")

    shown = await room.type("queue")

    assert shown.message is not None
    assert "Test tone 2" in shown.message.text
    assert "Test tone 3" in shown.message.text
    await room.type("stop")
    await room.quiet()
    empty = await room.type("queue")
    assert empty.message is not None
    assert "Test tone" not in empty.message.text
