"""Two bots share a LavalinkNode: it is scaled and drained for both."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from legato_cluster.cluster import PATIENCE
from legato_cluster.platform import BOT, NODES, Platform
from legato_cluster.players import Players
from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.room import Hall

OTHER = "rhythm"
FIRST, SECOND = f"{NODES}-0", f"{NODES}-1"
TRACK = "tone-{}-900s.ogg"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(music: Platform) -> AsyncIterator[Platform]:
    """Another bot on the same nodes, seen as the first one is."""
    bot = await music.discord.make_bot(OTHER)
    like = json.loads(music.kubectl("get", "musicbot", BOT, "-o", "json"))
    spec = like["spec"] | {
        "applicationId": bot.id,
        "tokenSecretRef": {"name": OTHER, "key": "token"},
        "api": {"replicas": 0},
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"token": bot.token}}
    resource = {"apiVersion": like["apiVersion"], "kind": "MusicBot", "spec": spec}
    for one in (secret, resource):
        named = one | {"metadata": {"name": OTHER}}
        music.kubectl("apply", "-f", "-", stdin=json.dumps(named))
    await ready(music)
    second = copy.copy(music)
    second.bot_id = int(bot.id)

    async def registered() -> bool:
        return bool(await music.discord.commands(bot.id))

    await until(registered, what="commands of the other bot", timeout=PATIENCE)
    yield second
    await asyncio.to_thread(music.kubectl, "delete", f"musicbot/{OTHER}", f"secret/{OTHER}")


async def ready(music: Platform) -> None:
    every = (f"musicbot/{BOT}", f"musicbot/{OTHER}", f"lavalinknode/{NODES}")
    words = ("wait", f"--timeout={PATIENCE}s", "--for=condition=Ready", *every)
    await asyncio.to_thread(music.kubectl, *words)


async def nodes_become(music: Platform, count: int) -> None:
    """Wait until so many node pods are there, and all is at rest."""

    async def look() -> bool:
        return len(music.pods("node")) == count

    await until(look, what=f"{count} nodes", timeout=PATIENCE)
    await asyncio.to_thread(music.settle)


async def played(music: Platform, tone: int) -> Hall:
    """Let a bot play in a hall of its own."""
    hall = await music.hall(f"Hall {tone}")
    await hall.play(TRACK.format(tone), timeout=PATIENCE)
    await hall.hears(tone, after=1000, timeout=PATIENCE)
    return hall


async def plays_on(halls: dict[int, Hall]) -> None:
    """Wait until more of every track is heard."""
    for tone, hall in halls.items():
        before = (await hall.hears(tone, timeout=PATIENCE)).ms
        await hall.hears(tone, after=before + 2000, timeout=PATIENCE)


async def test_nodes_are_scaled_and_drained_for_both(music: Platform, other: Platform) -> None:
    players = Players(music)
    music.change("lavalinknode", NODES, {"replicas": 2})
    for bot in (music, other):
        await players.told_of(SECOND, bot.bot_id)
    await ready(music)
    async with hearing.control(music) as noise:
        halls = {
            tone: await played(bot, tone) for tone, bot in enumerate((music, other) * 2, start=1)
        }
        places = {tone: await players.node_of(hall) for tone, hall in halls.items()}
        assert [places[1], places[3]] == [FIRST, SECOND]
        assert {places[2], places[4]} == {FIRST, SECOND}

        music.change("lavalinknode", NODES, {"replicas": 1})
        await nodes_become(music, 1)
        await plays_on(halls)

    for tone, hall in halls.items():
        assert await players.node_of(hall) == FIRST
        if places[tone] == FIRST:
            await hearing.unbroken(hall, noise)
        else:
            await hearing.moved(hall, noise, planned=True)
        await hall.type("leave", timeout=PATIENCE)
