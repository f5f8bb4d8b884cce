"""Helm install, kubectl apply, /play: the tone is heard, and kubectl get tells the story."""

import asyncio

import pytest

from legato_cluster.platform import BOT, NODES, Platform
from legato_machine import hearing

PATIENCE = 120.0
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_tone_is_heard_and_get_tells_the_story(music: Platform) -> None:
    hall = await music.hall()

    async with hearing.control(music) as noise:
        await hall.play("tone-5-60s.ogg", timeout=PATIENCE)
        await hall.hears(5, after=3000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    await asyncio.to_thread(music.settle)
    said = music.kubectl("get", "musicbot,lavalinknode").split()
    assert f"musicbot.legato.dev/{BOT}" in said
    assert f"lavalinknode.legato.dev/{NODES}" in said
    assert said.count("True") == 2
    await hall.type("leave", timeout=PATIENCE)
