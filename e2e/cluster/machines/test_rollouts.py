"""Other revisions of gateways, audio pods and nodes take over: the music and the commands go on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from legato_cluster import rest
from legato_cluster.platform import BOT, NODES, Platform
from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.room import Hall
from legato_simulator.script import Interaction

PATIENCE = 120.0
EVERY = 2.5
"""Seconds between two commands: a person may type eight in 12 s."""
ADDED = ("Test tone 9", "tone-9-60s.ogg")
OTHER = {"resources": {"cpu": "210m"}}
CHANGES = {
    "gateway": {"gateway": OTHER},
    "audio": {"regions": [{"name": "europe", "audio": OTHER}]},
}
"""By component, what of a bot's spec makes another revision of it alone."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("component", CHANGES)
async def test_another_revision_of_a_bots_pods_takes_over_unheard(
    music: Platform, component: str
) -> None:
    hall = await music.hall()
    old = names(music, component)
    async with hearing.control(music) as noise:
        await hall.play("tone-8-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(8, after=3000, timeout=PATIENCE)
        before = await music.discord.record()

        async with typing(music, hall) as asked:
            music.change("musicbot", BOT, CHANGES[component])
            await asyncio.to_thread(music.settle)

        await hall.hears(8, after=heard.ms + 3000, timeout=PATIENCE)

    shown = [await one.response(PATIENCE) for one in asked]
    after = await music.discord.record()
    assert old.isdisjoint(names(music, component))
    assert after.identifies == before.identifies
    assert component != "gateway" or after.resumes > before.resumes
    assert [one for one in shown if one.state != "answered"] == []
    assert (await queue(hall)).count(ADDED[0]) == 1
    await hearing.unbroken(hall, noise)
    await hall.type("leave", timeout=PATIENCE)


async def test_nodes_are_replaced_one_by_one_over_a_surge(music: Platform) -> None:
    hall = await music.hall()
    counts = set[int]()

    async def is_done() -> bool:
        counts.add(sum(rest.is_ready(pod) for pod in music.pods("node")))
        return not await asyncio.to_thread(music.unrest)

    async with hearing.control(music) as noise:
        await hall.play("tone-7-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(7, after=3000, timeout=PATIENCE)
        music.change("lavalinknode", NODES, OTHER)
        await until(is_done, what="nodes of another revision", timeout=PATIENCE)
        await hall.hears(7, after=heard.ms + 3000, timeout=PATIENCE)

    assert counts == {1, 2}
    await hearing.moved(hall, noise, planned=True)
    await hall.type("leave", timeout=PATIENCE)


def names(music: Platform, component: str) -> set[str]:
    return {pod["metadata"]["name"] for pod in music.pods(component)}


@contextlib.asynccontextmanager
async def typing(music: Platform, hall: Hall) -> AsyncIterator[list[Interaction]]:
    """Type commands all the while, one of which adds a track."""
    link = await music.make(ADDED[1])
    asked: list[Interaction] = []

    async def type_on() -> None:
        asked.append(await hall.begin("play", {"query": link}))
        while True:
            asked.append(await hall.begin("queue"))
            await asyncio.sleep(EVERY)

    task = asyncio.create_task(type_on())
    try:
        yield asked
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def queue(hall: Hall) -> str:
    shown = await hall.type("queue", timeout=PATIENCE)
    return shown.message.text if shown.message else ""
