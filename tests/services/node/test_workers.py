import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from support_audio_node import RunningNode, Stage, Studio, studio
from support_media import tones
from support_waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


def workers(node: RunningNode) -> list[int]:
    return [pid for pid, line in node.children().items() if "media.worker" in line]


def gone(node: RunningNode, pid: int) -> bool:
    return pid not in node.children()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_dead_and_frozen_media_processes_are_not_heard(
    shared: Studio, stage: Stage, how: signal.Signals
) -> None:
    async def play(stage: Stage, ending: str) -> None:
        await stage.play(f"tone.{ending}")
        await stage.frames(60)

    stages = await shared.stages(["opus.ogg", "mp3", "flac"], play)
    for pid in workers(stage.node):
        os.kill(pid, how)
        await until(partial(gone, stage.node, pid))
        await serving(stage)
        await stages["mp3"].frames(60)

    for ending, each in stages.items():
        heard = each.moments()
        assert each.report().unbroken, ending
        assert each.report().silence == 0, ending
        assert max(heard.skipped_ms, heard.repeated_ms) <= 10, ending


async def test_every_media_process_at_once_costs_a_moment_at_most(stage: Stage) -> None:
    await stage.play("tone.flac")
    await stage.frames(60)

    for pid in workers(stage.node):
        os.kill(pid, signal.SIGKILL)
    await serving(stage)
    await stage.frames(60)

    heard = stage.moments()
    assert stage.report().breaks == 0
    assert max(heard.skipped_ms, heard.repeated_ms) <= 10


async def test_a_killed_media_process_ends_the_loads_it_had(stage: Stage) -> None:
    waiting = asyncio.Event()

    async def hangs(_: web.Request) -> web.Response:
        waiting.set()
        await stage.files.closing.wait()
        return web.Response()

    stage.files.special["hangs"] = hangs
    loading = asyncio.create_task(stage.node.load(stage.files.url("hangs")))
    await waiting.wait()

    for pid in workers(stage.node):
        os.kill(pid, signal.SIGKILL)

    loaded = await loading
    assert loaded["loadType"] == "error"


async def test_frozen_media_processes_hold_up_no_request(tmp_path: Path) -> None:
    # Their silence alone would end them in an hour, and then nobody would wait for this test.
    async with studio(tmp_path, tones(), worker_timeout="1h") as own:
        stage = await own.stage()
        await stage.play("tone.mp3")
        await stage.frames(10)

        for pid in workers(stage.node):
            os.kill(pid, signal.SIGSTOP)
        # More than the pipes to them hold.
        async with asyncio.timeout(10 * PATIENCE):
            for volume in range(2000):
                await stage.patch(volume=volume % 100 + 1)

        for pid in workers(stage.node):
            os.kill(pid, signal.SIGCONT)
        await serving(stage)
        await stage.patch(volume=100, position=5000)
        await stage.frames(20)


async def serving(stage: Stage) -> None:
    """Wait until every media process serves."""
    async with asyncio.timeout(PATIENCE):
        while (await stage.node.request("GET", "/health"))[1]["status"] != "healthy":
            await asyncio.sleep(0.02)
