"""A gateway in a crash loop: it is said, Discord's identifies are spared, and the music goes on."""

import asyncio
import json
import signal

import pytest

from legato_cluster import processes, waiting
from legato_cluster.platform import BOT, TRUSTED, Platform
from legato_machine import hearing

PATIENCE = 240.0
BROKEN = {"name": "IDENTIFY_MOST", "value": "none"}
"""A setting that only gateways read."""
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
        found = said(music, "RolloutBlocked")
        return found.startswith("True NewPodsReady") and "with code 2; see its log" in found

    async with hearing.control(music) as noise:
        await hall.play("tone-3-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(3, after=3000, timeout=PATIENCE)
        music.change("musicbot", BOT, {"podTemplate": {**TRUSTED, "env": [BROKEN]}})
        await asyncio.to_thread(waiting.until, blocked, "what the rollout waits for")
        assert said(music, "Ready").startswith("True")
        assert gateway["metadata"]["uid"] in {x["metadata"]["uid"] for x in music.pods("gateway")}
        music.change("musicbot", BOT, {"podTemplate": {"env": None}})
        await asyncio.to_thread(music.settle)
        await hall.hears(3, after=heard.ms + 5000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    assert (await music.discord.record()).identifies == identified
    assert [x["metadata"]["uid"] for x in music.pods("gateway")] == [gateway["metadata"]["uid"]]
    await hall.type("stop", timeout=PATIENCE)


async def test_a_gateway_that_is_killed_again_and_again_resumes(music: Platform) -> None:
    [gateway] = music.pods("gateway")
    identified = (await music.discord.record()).identifies
    hall = await music.hall()

    def crashes_until_it_is_told() -> bool:
        processes.send(gateway["metadata"]["uid"], signal.SIGKILL)
        return "False CrashLoop" in said(music, "Ready")

    async with hearing.control(music) as noise:
        await hall.play("tone-4-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(4, after=3000, timeout=PATIENCE)
        await asyncio.to_thread(waiting.until, crashes_until_it_is_told, "what is said of it")
        await asyncio.to_thread(music.settle)
        await hall.hears(4, after=heard.ms + 5000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    # A session that was away for longer than Discord waits begins anew, once.
    assert (await music.discord.record()).identifies - identified <= 1
    await hall.type("stop", timeout=PATIENCE)
