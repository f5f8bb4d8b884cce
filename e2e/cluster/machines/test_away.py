"""Redis, then the API server, are away while a bot plays: it plays on, and nothing is removed."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterator

import pytest

from legato_cluster import belongings, processes
from legato_cluster.platform import SPACE, Platform
from legato_machine import hearing

PATIENCE = 240.0
REDIS_AWAY_MS, API_AWAY_MS = 20_000.0, 60_000.0
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_redis_is_away_for_twenty_seconds(music: Platform) -> None:
    [pod] = json.loads(music.kubectl("get", "pods", "-l", "app=valkey", "-o", "json"))["items"]
    before = belongings.workloads(music.cluster, SPACE)
    hall = await music.hall()

    async with hearing.control(music) as noise:
        await hall.play("tone-5-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(5, after=3000, timeout=PATIENCE)
        with processes.frozen(pod["metadata"]["uid"]):
            await hall.hears(5, after=heard.ms + REDIS_AWAY_MS, timeout=PATIENCE)
        await asyncio.to_thread(music.settle)
        await hall.hears(5, after=heard.ms + REDIS_AWAY_MS + 5000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    assert belongings.workloads(music.cluster, SPACE) == before
    await hall.type("stop", timeout=PATIENCE)


async def test_the_api_server_is_away_for_a_minute(music: Platform) -> None:
    before = belongings.workloads(music.cluster, SPACE)
    hall = await music.hall()

    async with hearing.control(music) as noise:
        await hall.play("tone-6-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(6, after=3000, timeout=PATIENCE)
        with frozen_api_server(music):
            await hall.hears(6, after=heard.ms + API_AWAY_MS, timeout=PATIENCE)
        await asyncio.to_thread(music.cluster.wait_until_ready)
        await asyncio.to_thread(music.settle)
        await hall.hears(6, after=heard.ms + API_AWAY_MS + 10_000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    assert belongings.workloads(music.cluster, SPACE) == before
    await hall.type("stop", timeout=PATIENCE)


@contextlib.contextmanager
def frozen_api_server(music: Platform) -> Iterator[None]:
    _, server, *_ = music.cluster.control.pids
    os.killpg(server, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server, signal.SIGCONT)
