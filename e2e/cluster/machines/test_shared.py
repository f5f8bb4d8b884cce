"""Two bots share a LavalinkNode: it is scaled, drained and given another password for both."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from functools import partial

import pytest
import pytest_asyncio

from legato_cluster import belongings
from legato_cluster.cluster import PATIENCE
from legato_cluster.platform import BOT, GONE, NODES, SPACE, Platform
from legato_cluster.players import Players
from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.hearing import Control
from legato_machine.room import Hall

OTHER = "rhythm"
FIRST, SECOND = f"{NODES}-0", f"{NODES}-1"
TONE, TRACK = 6, "tone-6-900s.ogg"
OVER_A_SURGE = 2
"""Moves at most: to the surge, and back to what is replaced."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(music: Platform) -> AsyncIterator[Platform]:
    """Another bot on the same nodes, seen as the first one is."""
    bot = await music.discord.make_bot(OTHER)
    like = belongings.wanted(music.cluster, SPACE, "musicbot", BOT)
    spec = like["spec"] | {
        "applicationId": bot.id,
        "tokenSecretRef": {"name": OTHER, "key": "token"},
        "api": {"replicas": 0},
    }
    named = {"metadata": {"name": OTHER}}
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"token": bot.token}}
    second = music.of(int(bot.id))

    async def registered() -> bool:
        return bool(await music.discord.commands(bot.id))

    try:
        belongings.apply(music.cluster, SPACE, secret | named, like | named | {"spec": spec})
        await asyncio.to_thread(music.settle)
        await until(registered, what="commands of the other bot", timeout=PATIENCE)
        yield second
    finally:
        gone = (f"musicbot/{OTHER}", f"secret/{OTHER}")
        await asyncio.to_thread(music.kubectl, "delete", *GONE, *gone)


async def nodes_become(music: Platform, count: int, *, without: Collection[str] = ()) -> None:
    """Wait until so many node pods are there, none of those that are named, and all is at rest."""

    async def look() -> bool:
        there = uids(music)
        return len(there) == count and there.isdisjoint(without)

    await until(look, what=f"{count} nodes", timeout=PATIENCE)
    await asyncio.to_thread(music.settle)


def uids(music: Platform) -> set[str]:
    return {pod["metadata"]["uid"] for pod in music.pods("node")}


async def played(bot: Platform) -> Hall:
    """Let a bot play in a hall of its own."""
    hall = await bot.hall(f"Hall of {bot.bot_id}")
    await hall.play(TRACK, timeout=PATIENCE)
    await hall.hears(TONE, after=1000, timeout=PATIENCE)
    return hall


async def play_on(halls: Iterable[Hall]) -> None:
    """Wait until all have heard two seconds more."""
    before = [(hall, (await hall.hears(TONE, timeout=PATIENCE)).ms) for hall in halls]
    for hall, ms in before:
        await hall.hears(TONE, after=ms + 2000, timeout=PATIENCE)


async def on_both(music: Platform, players: Players, bots: Iterable[Platform]) -> dict[Hall, str]:
    """Let each bot play on the one node there is, then on both; say where each hall's player is."""
    places = dict.fromkeys([await played(bot) for bot in bots], FIRST)
    music.change("lavalinknode", NODES, {"replicas": 2})
    await nodes_become(music, 2)
    for bot in bots:
        await players.told_of(SECOND, bot.bot_id)
        places |= await players.on_each([SECOND], partial(played, bot))
    return places


async def judge(places: dict[Hall, str], noise: Control, players: Players) -> None:
    for hall, place in places.items():
        assert await players.node_of(hall) == FIRST
        if place == FIRST:
            await hearing.unbroken(hall, noise)
        else:
            await hearing.moved(hall, noise, planned=True)


async def test_nodes_are_scaled_drained_and_given_another_password_for_both(
    music: Platform, other: Platform
) -> None:
    players = Players(music)
    rotation = music.kubectl("get", "lavalinknode", NODES, "-o", "jsonpath={.spec.rotation}")
    async with hearing.control(music) as noise:
        places = await on_both(music, players, (music, other))
        music.change("lavalinknode", NODES, {"replicas": 1})
        await nodes_become(music, 1)
        await play_on(places)
    await judge(places, noise, players)

    async with hearing.control(music) as later:
        before = uids(music)
        music.change("lavalinknode", NODES, {"rotation": int(rotation or 0) + 1})
        await nodes_become(music, 1, without=before)
        await play_on(places)

    noise.worst_ms = max(noise.worst_ms, later.worst_ms)
    for hall, place in places.items():
        await hearing.moved(hall, noise, planned=True, times=OVER_A_SURGE + (place != FIRST))
        await hall.type("leave", timeout=PATIENCE)
