"""A gateway in a crash loop: it is said, Discord's identifies are spared, and the music goes on."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from legato.contracts import keys
from legato_cluster import processes, rest, waiting
from legato_cluster.documents import SHARDS
from legato_cluster.platform import BOT, SPACE, TRUSTED, Platform
from legato_cluster.players import Players
from legato_machine import hearing
from legato_machine.conditions import until
from legato_operator import sharding
from legato_simulator import snowflakes
from legato_simulator.views import RecordView

PATIENCE = 240.0
BROKEN = {"name": "IDENTIFY_MOST", "value": "none"}
"""A setting that only gateways read."""
LEFT, PLENTY = 2, 1000
"""Identifies of the day that gateways may use; fewer than there are shards."""
REFUSED = "the daily identifies are used up"
pytestmark = pytest.mark.asyncio(loop_scope="module")


def said(music: Platform, type_: str) -> str:
    """Read a condition's status, reason and message in one line."""
    found = json.loads(music.kubectl("get", "musicbot", BOT, "-o", "json"))
    listed = found["status"]["conditions"]
    one = next(each for each in listed if each["type"] == type_)
    return f"{one['status']} {one['reason']}: {one['message']}"


async def test_gateways_of_a_new_revision_that_crash_replace_nothing(music: Platform) -> None:
    [gateway] = music.pods("gateway")
    identified = (await music.discord.record()).identifies
    hall = await music.hall()

    def blocked() -> bool:
        """Tell whether it is said, beside that all is well."""
        found = said(music, "RolloutBlocked")
        told = found.startswith("True NewPodsReady") and "with code 2; see its log" in found
        return told and said(music, "Ready").startswith("True")

    async with hearing.control(music) as noise:
        await hall.play("tone-6-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(6, after=3000, timeout=PATIENCE)
        with music.changed("musicbot", BOT, {"podTemplate": {**TRUSTED, "env": [BROKEN]}}):
            await asyncio.to_thread(waiting.until, blocked, "what the rollout waits for")
            there = {one["metadata"]["uid"] for one in music.pods("gateway")}
            assert gateway["metadata"]["uid"] in there
        await asyncio.to_thread(music.settle)
        await hall.hears(6, after=heard.ms + 5000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    assert (await music.discord.record()).identifies == identified
    assert [x["metadata"]["uid"] for x in music.pods("gateway")] == [gateway["metadata"]["uid"]]
    await hall.type("stop", timeout=PATIENCE)


@pytest_asyncio.fixture(loop_scope="module")
async def short(music: Platform) -> AsyncIterator[RecordView]:
    """Few identifies left today; afterwards as many as on a new day. Says what was before."""
    await music.discord.spend_identifies(sharding.RESERVE + LEFT, bot=str(music.bot_id))
    yield await music.discord.record()
    await music.discord.spend_identifies(PLENTY, bot=str(music.bot_id))
    async with Players(music).client() as redis:
        await redis.delete(keys.identify(music.bot_id))
    # Another pod begins at once, where a kubelet would wait longer after every crash.
    music.kubectl("delete", "pod", "-l", f"{rest.COMPONENT}=gateway")
    await asyncio.to_thread(music.settle)


async def test_a_gateway_that_is_killed_again_and_again_spares_the_identifies(
    music: Platform, short: RecordView
) -> None:
    hall = await music.hall()
    [gateway] = music.pods("gateway")
    others = set(range(SHARDS)) - {snowflakes.shard_of(hall.guild_id, SHARDS)}

    async def crash() -> None:
        processes.send(gateway["metadata"]["uid"], signal.SIGKILL)
        for shard in others:
            await music.discord.invalidate_session(
                resumable=False, bot=str(music.bot_id), shard=shard
            )

    async def is_spent() -> bool:
        return (await music.discord.record()).identifies >= short.identifies + LEFT

    async def is_told() -> bool:
        await crash()
        return "False CrashLoop" in said(music, "Ready")

    async with hearing.control(music) as noise:
        await hall.play("tone-6-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(6, after=2000, timeout=PATIENCE)
        await crash()
        await until(is_spent, what="the last identifies", timeout=PATIENCE)
        await until(is_told, what="what is said of the crashes", timeout=PATIENCE)
        lacks = partial(is_so, music, "IdentifyBudgetAvailable", "False TooFewLeft")
        await asyncio.to_thread(waiting.until, lacks, "what is said of the identifies")
        held = partial(is_held, music, gateway["metadata"]["name"])
        await asyncio.to_thread(waiting.until, held, "a gateway that may identify no more")
        await hall.hears(6, after=heard.ms + 5000, timeout=PATIENCE)

    record = await music.discord.record()
    assert record.identifies == short.identifies + LEFT
    assert record.violations == short.violations
    await hearing.unbroken(hall, noise)
    await hall.type("stop", timeout=PATIENCE)


def is_so(music: Platform, type_: str, words: str) -> bool:
    return said(music, type_).startswith(words)


def is_held(music: Platform, pod: str) -> bool:
    """Tell whether a gateway, begun anew, has asked for an identify and was refused it.

    While its container is made anew there may be no log.
    """
    return REFUSED in music.cluster.kubectl("-n", SPACE, "logs", pod).stdout
