"""Kubectl drain of the machine that everything plays on ends by itself, and the music moves."""

import asyncio

import pytest

from legato_cluster import rest
from legato_cluster.platform import Platform
from legato_machine import hearing

PATIENCE = 240.0
OVER_A_SURGE = 2
"""Moves at most: to the surge, and to what comes in the place of the node that was drained."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_drained_machine_lets_its_music_move(music: Platform) -> None:
    first, second = music.cluster.machines
    await asyncio.to_thread(music.gather, second)
    hall = await music.hall()

    async with hearing.control(music) as noise:
        await hall.play("tone-6-900s.ogg", timeout=PATIENCE)
        before = await hall.hears(6, after=3000, timeout=PATIENCE)
        await asyncio.to_thread(music.cluster.drain, second)
        await asyncio.to_thread(music.settle, first)
        await hall.hears(6, after=before.ms + 3000, timeout=PATIENCE)

    await hearing.moved(hall, noise, planned=True, times=OVER_A_SURGE)
    for component in rest.PLAYING:
        assert music.machines(component) == {first}, component
    await hall.type("leave", timeout=PATIENCE)
