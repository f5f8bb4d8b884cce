import asyncio
import os
import signal
from functools import partial

import pytest
from aiohttp import web

from support_audio_node import RunningNode, Stage, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


def workers(node: RunningNode) -> list[int]:
    return [pid for pid, line in node.children().items() if "media.worker" in line]


def gone(node: RunningNode, pid: int) -> bool:
    return pid not in node.children()


@pytest.mark.parametrize("ending", ["opus.ogg", "mp3", "flac"])
async def test_killed_media_processes_are_not_heard(stage: Stage, ending: str) -> None:
    await stage.play(f"tone.{ending}")
    await stage.frames(60)

    for pid in workers(stage.node):
        os.kill(pid, signal.SIGKILL)
        await until(partial(gone, stage.node, pid))
        await until(lambda: len(workers(stage.node)) == 2)
        await stage.frames(70)

    heard = stage.moments()
    assert stage.report().unbroken
    assert max(heard.skipped_ms, heard.repeated_ms) <= 10
    assert stage.report().silence == 0


async def test_every_media_process_at_once_costs_a_moment_at_most(stage: Stage) -> None:
    await stage.play("tone.flac")
    await stage.frames(60)

    for pid in workers(stage.node):
        os.kill(pid, signal.SIGKILL)
    await stage.frames(200)

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
