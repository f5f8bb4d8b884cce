"""`/play` of each format: the right tone is heard from its first second on."""

import pytest

from legato_machine.machine import Machine

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORMATS = {"ogg": 1, "webm": 2, "mp3": 3, "flac": 4, "wav": 5}


@pytest.mark.parametrize("ending", FORMATS)
async def test_a_played_file_is_heard_from_its_first_second(stage: Machine, ending: str) -> None:
    track = FORMATS[ending]
    room = await stage.room(f"plays {ending}")

    answer = await room.play(f"tone-{track}-60s.{ending}")

    assert answer.message is not None
    assert f"Test tone {track}" in answer.message.text
    await room.hears(track, after=2000)
    heard = await room.moments()
    assert heard.moments[0].ms < 100
    assert heard.analysis.skipped_ms == 0
    assert heard.analysis.repeated_ms == 0
