"""Other revisions of gateways, audio pods and nodes take over: the music and the commands go on."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from legato_cluster import rest, waiting
from legato_cluster.documents import SHARDS, SHARE
from legato_cluster.platform import BOT, NODES, Platform
from legato_cluster.players import Players
from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.room import Hall
from legato_simulator.script import Interaction

PATIENCE = 240.0
EVERY = 2.5
"""Seconds between two commands: a person may type eight in 12 s."""
ADDED = ("Test tone 9", "tone-9-60s.ogg")
TONE, TRACK = 8, "tone-8-900s.ogg"
OTHER = {"resources": {"cpu": "210m"}}
USUAL = {"resources": {"cpu": SHARE}}
SPREAD = {**OTHER, "shardsPerPod": SHARDS // 2}
"""Other gateways, and two in the place of one."""
REGIONS = [{"name": "europe", "audio": OTHER}]
MISSING = "127.0.0.1:9/legato:missing"
"""Where no registry answers, which a kubelet knows at once."""
FIRST, SECOND = f"{NODES}-0", f"{NODES}-1"
BOTH, SURGE = 2, 1
OVER_A_SURGE = 3
"""Moves at most: to another old node, to the surge, and back."""
pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = Any


async def test_gateways_and_audio_pods_of_another_revision_take_over_unheard(
    music: Platform,
) -> None:
    hall, old = await music.hall(), playing(music)
    async with hearing.control(music) as noise, typing(music, hall) as asked:
        await hall.play(TRACK, timeout=PATIENCE)
        await hall.hears(TONE, after=2000, timeout=PATIENCE)

        with contextlib.ExitStack() as undone:
            async with handed_over(music):
                undone.enter_context(music.changed("musicbot", BOT, {"gateway": SPREAD}))
                await asyncio.to_thread(music.settle)
            spread = names(music, "gateway")
            async with handed_over(music):
                music.change("musicbot", BOT, {"gateway": None, "regions": REGIONS})
                await asyncio.to_thread(music.settle)
            followed = names(music, "audio")
            await no_missing_image_is_followed(music, hall)
        await asyncio.to_thread(music.settle)
        await plays_on(hall)

    assert len(spread) == 2
    assert spread.isdisjoint(old | playing(music))
    assert followed.isdisjoint(old | playing(music))
    await was_told_once(hall, asked)
    await hearing.unbroken(hall, noise)
    await hall.type("leave", timeout=PATIENCE)


async def no_missing_image_is_followed(music: Platform, hall: Hall) -> None:
    """Ask for an image that is not there: the kubelet's reason is told, and all play on."""
    before = playing(music)
    told = f"can't pull {MISSING}"
    with (
        music.changed("musicbot", BOT, {"image": MISSING}),
        music.changed("lavalinknode", NODES, {"image": MISSING}),
    ):
        for kind, name in (("musicbot", BOT), ("lavalinknode", NODES)):
            blocked = partial(says, music, kind, name, told)
            await asyncio.to_thread(waiting.until, blocked, f"{name} to say that it {told}")
        await plays_on(hall)
        there = playing(music)
        assert before.items() <= there.items()


async def test_nodes_are_replaced_one_by_one_over_a_surge(music: Platform) -> None:
    players = Players(music)
    with music.changed("lavalinknode", NODES, {"replicas": BOTH, **OTHER}):
        await asyncio.to_thread(music.settle)
        for node in (FIRST, SECOND):
            await players.told_of(node, music.bot_id)
        async with hearing.control(music) as noise:
            places = await players.on_each([FIRST, SECOND], partial(played, music))
            music.change("lavalinknode", NODES, USUAL)
            counts = await replaced(music)
            for hall in places:
                await plays_on(hall)

        assert min(working for working, _ in counts) >= BOTH, counts
        assert max(there for _, there in counts) == BOTH + SURGE, counts
        for hall in places:
            await hearing.moved(hall, noise, planned=True, times=OVER_A_SURGE)
            await hall.type("leave", timeout=PATIENCE)
    await asyncio.to_thread(music.settle)


async def replaced(music: Platform) -> list[tuple[int, int]]:
    """Wait until other nodes are at rest in the place of all; say how many worked, and were there.

    One works from when it first was ready until it is told to end: a probe may be late.
    """
    old = {uid(pod) for pod in music.pods("node")}
    answered, counts = {*old}, list[tuple[int, int]]()

    async def look() -> bool:
        pods = music.pods("node")
        answered.update(uid(pod) for pod in pods if rest.is_ready(pod))
        there = {uid(pod) for pod in pods}
        counts.append((len(there & answered), len(there)))
        return there.isdisjoint(old) and not await asyncio.to_thread(music.unrest)

    await until(look, what="nodes of another revision", timeout=PATIENCE)
    return counts


async def played(music: Platform) -> Hall:
    hall = await music.hall()
    await hall.play(TRACK, timeout=PATIENCE)
    await hall.hears(TONE, after=1000, timeout=PATIENCE)
    return hall


async def plays_on(hall: Hall) -> None:
    before = await hall.hears(TONE, timeout=PATIENCE)
    await hall.hears(TONE, after=before.ms + 2000, timeout=PATIENCE)


@contextlib.asynccontextmanager
async def handed_over(music: Platform) -> AsyncIterator[None]:
    """Assert that meanwhile every session is resumed on another connection, and none begins."""
    before, resumed = await sessions(music), len(await music.discord.session_events("resumed"))
    identified = (await music.discord.record()).identifies
    yield
    events = (await music.discord.session_events("resumed"))[resumed:]
    assert {one.session_id for one in events} == set(before)
    await until(partial(has, music, before), what="a connection of each", timeout=PATIENCE)
    assert sorted(before.values()) == [*range(SHARDS)]
    assert (await music.discord.record()).identifies == identified


async def has(music: Platform, wanted: dict[str, int]) -> bool:
    return await sessions(music) == wanted


async def sessions(music: Platform) -> dict[str, int]:
    """Say which sessions with a connection the bot has, and of which shard each is."""
    found = await music.discord.sessions(str(music.bot_id))
    return {one.id: one.shard[0] for one in found if one.connected}


def playing(music: Platform) -> dict[str, str]:
    """Name the pods that play, and say which one of its name each is."""
    found = (one for component in rest.PLAYING for one in music.pods(component))
    return {one["metadata"]["name"]: uid(one) for one in found}


@contextlib.asynccontextmanager
async def typing(music: Platform, hall: Hall) -> AsyncIterator[list[Interaction]]:
    """Type commands all the while, one of which adds a track."""
    link = await music.make(ADDED[1])
    asked: list[Interaction] = []

    async def type_on() -> None:
        await hall.hears(TONE, timeout=PATIENCE)
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


async def was_told_once(hall: Hall, asked: list[Interaction]) -> None:
    """Assert that each command was answered in time, and done once."""
    shown = [await one.response(PATIENCE) for one in asked]
    assert [one for one in shown if one.state != "answered"] == []
    queue = (await hall.type("queue", timeout=PATIENCE)).message
    assert queue is not None
    assert queue.text.count(ADDED[0]) == 1


def says(music: Platform, kind: str, name: str, told: str) -> bool:
    """Tell whether a rollout waits, for a reason that has these words."""
    found = json.loads(music.kubectl("get", kind, name, "-o", "json"))["status"]["conditions"]
    blocked = next(one for one in found if one["type"] == "RolloutBlocked")
    return blocked["status"] == "True" and told in blocked["message"]


def names(music: Platform, component: str) -> set[str]:
    return {pod["metadata"]["name"] for pod in music.pods(component)}


def uid(pod: Json) -> str:
    return str(pod["metadata"]["uid"])
