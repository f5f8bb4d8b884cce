"""The machine of gateway, audio and node loses its power: the music goes on elsewhere."""

import asyncio

import pytest

from legato_cluster.documents import SHARDS
from legato_cluster.platform import Platform
from legato_machine import hearing
from legato_machine.conditions import until

PATIENCE = 240.0
MOST_REPEATED_MS = 2000
PARTS = ("gateway", "audio", "node")
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_music_goes_on_elsewhere_once_its_machine_is_lost(music: Platform) -> None:
    first, second = music.cluster.machines
    await asyncio.to_thread(music.gather, second)
    assert all(music.machines(each) == {second} for each in PARTS)

    async def is_elsewhere() -> bool:
        return all(music.machines(each) == {first} for each in PARTS)

    async def is_connected() -> bool:
        found = await music.discord.sessions(str(music.bot_id))
        return {one.shard[0] for one in found if one.connected} == {*range(SHARDS)}

    hall = await music.hall()
    await hall.play("tone-7-900s.ogg", timeout=PATIENCE)
    before = await hall.hears(7, after=3000, timeout=PATIENCE)
    identified = (await music.discord.record()).identifies

    music.cluster.cut_power(second)

    await hall.hears(7, after=before.ms + 3000, timeout=PATIENCE)
    analysis = (await hall.moments()).analysis
    assert analysis.skipped_ms <= hearing.FRAME_MS, analysis.jumps
    assert analysis.repeated_ms <= MOST_REPEATED_MS, analysis.jumps
    await until(is_elsewhere, what=f"all that plays on {first}", timeout=PATIENCE)
    await until(is_connected, what="a connection of every shard", timeout=PATIENCE)
    # Sessions that were away for longer than Discord waits begin anew, once.
    assert (await music.discord.record()).identifies - identified <= SHARDS
    await hall.type("leave", timeout=PATIENCE)
