"""The operator is killed while a bot plays: nobody hears it, and its next process operates on."""

import asyncio
import json
import signal

import pytest

from legato_cluster import processes, waiting
from legato_cluster.platform import BOT, Platform
from legato_machine import hearing

PATIENCE = 120.0
JOB = f"{BOT}-usage"
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_nobody_hears_that_the_operator_is_killed(music: Platform) -> None:
    hall = await music.hall()
    [pod] = music.pods("operator")
    before = pods(music)

    def restored() -> bool:
        return not json.loads(music.kubectl("get", "cronjob", JOB, "-o", "json"))["spec"]["suspend"]

    async with hearing.control(music) as noise:
        await hall.play("tone-4-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(4, after=3000, timeout=PATIENCE)
        assert processes.send(pod["metadata"]["uid"], signal.SIGKILL)
        music.kubectl("patch", "cronjob", JOB, "--patch", '{"spec": {"suspend": true}}')
        await asyncio.to_thread(waiting.until, restored, "a child that the next one restores")
        await asyncio.to_thread(music.settle)
        await hall.hears(4, after=heard.ms + 10_000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    assert pods(music) == before
    await hall.type("stop", timeout=PATIENCE)


def pods(music: Platform) -> set[str]:
    found = (music.pods(each) for each in ("gateway", "audio", "node", "api"))
    return {one["metadata"]["uid"] for some in found for one in some}
