"""Redis is away for longer than owners drive on alone: they let go of the nodes, which play on.

The rule scales with its settings, so that usually 8 s stand for the minute; `make soak` takes the
real times.
"""

import asyncio
import os
import time

import aiohttp
import pytest

from legato.contracts import keys
from legato.contracts.partitions import DEFAULT_COUNT, DEFAULT_REGION, partition_of
from legato_machine import hearing, logs
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room

SOAK = os.environ.get("LEGATO_SOAK") == "1"
ISOLATION, AWAY = (60, 90) if SOAK else (8, 14)
SHORTER = {"LEASE_TTL": "3s", "LEASE_RENEW": "600ms", "ISOLATION": f"{ISOLATION}s"}
STAGE = Stage(behind=frozenset({"valkey"}), settings={} if SOAK else SHORTER)
EXPECTED = {
    **logs.redis_away(most=100),
    "warning books out of reach": range(1, 60),
    "warning isolated for too long": range(1, 60),
    "warning leases not renewed": range(1, 60),
    "warning redis out of reach": range(1, 60),
    "warning the books are empty: written anew": range(1),
}
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_plays_is_heard_on_and_what_comes_after_it_waits_for_redis(
    stage: Machine,
) -> None:
    ending = ISOLATION + (AWAY - ISOLATION) // 3
    short = f"tone-2-{ending}s.ogg"
    for tone in (short, "tone-3-60s.ogg", "tone-4-60s.ogg", "tone-5-60s.ogg", "tone-1-180s.ogg"):
        await stage.make(tone)
    long, brief = await stage.room("has a long track"), await stage.room("has a brief track")
    async with hearing.control(stage) as noise:
        await long.play("tone-1-180s.ogg")
        await brief.play(short)
        await brief.play("tone-3-60s.ogg")
        await long.hears(1, after=500)
        await brief.hears(2, after=500)
        sessions = await sessions_of(stage, long, brief)
        before = await stage.discord.record()
        stage.proxies["valkey"].swallow()
        cut_at = time.monotonic()
        asked = await long.begin("play", {"query": stage.music("tone-4-60s.ogg")})
        await until_let_go(stage, sessions)
        alone = time.monotonic() - cut_at
        await brief.quiet(timeout=AWAY)
        at = (await long.hears(1)).ms
        refused = await long.type("play", {"query": stage.music("tone-5-60s.ogg")})
        await asyncio.sleep(AWAY - (time.monotonic() - cut_at))
        stage.proxies["valkey"].restore()

        await brief.hears(3, after=1000, timeout=30)
        answer = await asked.response(30)
        await long.hears(1, after=at + 5000)

    assert ISOLATION - 3 <= alone <= ISOLATION + 5
    assert answer.message is not None
    assert "Test tone 4" in answer.message.text
    assert refused.message is not None
    assert "Try again in a moment" in refused.message.text
    await hearing.unbroken(long, noise)
    shown = await long.type("queue")
    assert shown.message is not None
    assert shown.message.text.count("Test tone 4") == 1
    assert "Test tone 5" not in shown.message.text
    assert (await stage.discord.record()).identifies == before.identifies


async def sessions_of(stage: Machine, *rooms: Room) -> set[str]:
    """Name the node sessions that rooms are played by."""
    found: set[str] = set()
    async with stage.redis() as client:
        for room in rooms:
            partition = partition_of(
                room.guild_id, bot=stage.bot_id, region=DEFAULT_REGION, count=DEFAULT_COUNT
            )
            kept = await client.hgetall(keys.node_sessions(partition))
            found |= {str(session) for session in kept.values()}
    return found


async def until_let_go(stage: Machine, sessions: set[str]) -> None:
    """Wait until the node has no socket of these any more: it answers 404 then."""
    password = {"Authorization": stage.folder.secret("node")}
    node = f"http://127.0.0.1:{stage.ports['node']}/v4/sessions"

    async def look() -> bool:
        async with aiohttp.ClientSession(headers=password) as http:
            answers = [await http.get(f"{node}/{session}/players") for session in sessions]
            return {answer.status for answer in answers} == {404}

    assert not await look()
    await until(look, what="the node's sockets are closed", timeout=ISOLATION + 10)
