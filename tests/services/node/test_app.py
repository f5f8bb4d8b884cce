import pytest

from support_media import FORMATS, TRACK
from support_node import Studio


@pytest.mark.parametrize("ending", FORMATS)
async def test_the_right_tone_is_heard_from_the_first_frame(
    everything: Studio, ending: str
) -> None:
    await everything.play(f"tone.{ending}")
    await everything.frames(100)

    heard = everything.moments()

    assert [segment.track for segment in heard.segments] == [TRACK]
    assert heard.segments[0].start_ms <= 60
    assert heard.jumps == []
    report = everything.voice.report(*_listener(everything))
    assert report is not None
    assert report.unbroken


def _listener(everything: Studio) -> tuple[int, int]:
    found = everything.voice.listeners()[0]
    return found.guild_id, found.user_id
