"""The machine of gateway, audio and node loses its power: the music goes on elsewhere."""

import pytest

from legato_cluster.platform import Platform
from legato_machine import hearing

PATIENCE = 240.0
MOST_REPEATED_MS = 2000
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_music_goes_on_elsewhere_once_its_machine_is_lost(music: Platform) -> None:
    first, second = music.cluster.machines
    hall = await music.hall()
    await hall.play("tone-7-900s.ogg", timeout=PATIENCE)
    before = await hall.hears(7, after=3000, timeout=PATIENCE)
    identified = (await music.discord.record()).identifies

    music.cluster.cut_power(second)

    await hall.hears(7, after=before.ms + 3000, timeout=PATIENCE)
    analysis = (await hall.moments()).analysis
    assert analysis.skipped_ms <= hearing.FRAME_MS, analysis.jumps
    assert analysis.repeated_ms <= MOST_REPEATED_MS, analysis.jumps
    assert (await music.discord.record()).identifies - identified <= 1
    await hall.type("leave", timeout=PATIENCE)
    assert music.machines("node") >= {first}
