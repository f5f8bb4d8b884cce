"""Helm install, kubectl apply, /play: the tone is heard, and kubectl get tells the story."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest_asyncio

from legato_cluster import cluster, platform
from legato_cluster.platform import BOT, NODES, Platform
from legato_machine import hearing

PATIENCE = 120.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def music(every_program: Mapping[str, Path]) -> AsyncIterator[Platform]:
    """A bot on two machines, all that plays on the second."""
    archives = [platform.image()]
    with cluster.running(every_program, archives=archives) as one:
        async with platform.installed(one) as installed:
            yield installed


async def test_a_tone_is_heard_and_get_tells_the_story(music: Platform) -> None:
    hall = await music.hall()

    async with hearing.control(music) as noise:
        await hall.play("tone-5-60s.ogg", timeout=PATIENCE)
        await hall.hears(5, after=3000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    said = music.kubectl("get", "musicbot,lavalinknode")
    assert BOT in said
    assert NODES in said
