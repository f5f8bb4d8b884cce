"""kill -9 of the audio service while it plays: the listener hears nothing of it."""

import pytest

from legato_machine.machine import Machine

pytestmark = pytest.mark.asyncio(loop_scope="module")
MOST_BEYOND_CONTROL_MS = 200


async def test_the_stream_is_unbroken_and_a_command_meanwhile_happens_once(stage: Machine) -> None:
    room = await stage.room("loses its audio service")
    await stage.voice.voice_control_start()
    await room.play("tone-7-180s.ogg")
    await room.hears(7, after=3000)

    link = await stage.make("tone-8-60s.ogg")
    await stage.parts["audio"].kill()
    asked = await room.begin("play", {"query": link})
    await asked.acknowledged()
    await stage.restart_dead("audio")
    answer = await asked.response(40)
    at = (await room.hears(7)).ms
    await room.hears(7, after=at + 8000, timeout=30)

    control = await stage.voice.voice_control_stop()
    report = await room.report()
    assert report is not None
    assert control is not None
    assert report.unbroken
    assert report.worst_gap_ms <= control.worst_gap_ms + MOST_BEYOND_CONTROL_MS
    analysis = (await room.moments()).analysis
    assert analysis.skipped_ms == 0
    assert analysis.repeated_ms == 0
    assert answer.message is not None
    assert "Test tone 8" in answer.message.text
    shown = await room.type("queue")
    assert shown.message is not None
    assert shown.message.text.count("Test tone 8") == 1
