import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from legato_simulator.client import SimulatorClient
from support_waiting import PATIENCE


@asynccontextmanager
async def process(
    *options: str,
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    environment = {key: value for key, value in os.environ.items() if key != "DISCORD_OPENAPI"}
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "legato_simulator",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment | {"SIMULATOR_TOKENS": "MTIzNDU2Nzg5MDEyMzQ1Njc4.a.b"},
    )
    try:
        assert running.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await running.stdout.readline()
        assert line, (await running.communicate())[1].decode()
        yield running, json.loads(line)
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def stop(running: asyncio.subprocess.Process) -> bytes:
    running.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        _, errors = await running.communicate()
    assert running.returncode == 0
    return errors


async def test_the_ready_line_names_every_address_and_no_token(tmp_path: Path) -> None:
    async with process("--data", str(tmp_path)) as (running, ready):
        async with aiohttp.ClientSession() as http:
            headers = {"Authorization": "Bot MTIzNDU2Nzg5MDEyMzQ1Njc4.a.b"}
            async with http.get(f"{ready['rest_url']}/gateway/bot", headers=headers) as response:
                assert (await response.json())["url"] == ready["gateway_url"]

        async with SimulatorClient(ready["control_url"]) as script:
            assert (await script.voice_overview()).regions == ready["voice"]
        assert ready["ready"] is True
        assert ready["pid"] == running.pid
        assert set(ready["voice"]) == {"harbour", "hill"}
        assert Path(ready["ca_file"]).exists()
        assert "a.b" not in json.dumps(ready)
        assert await stop(running) == b""


async def test_the_world_survives_a_restart(tmp_path: Path) -> None:
    options = ("--data", str(tmp_path), "--no-voice")
    async with process(*options) as (running, ready):
        async with SimulatorClient(ready["control_url"]) as script:
            before = await script.world()
            await script.send_message("Ada", "music", "hello")
            await script.join_voice("Ada", "Listening room")
        await stop(running)

    async with process(*options) as (running, ready):
        async with SimulatorClient(ready["control_url"]) as script:
            after = await script.world()
            messages = await script.messages("music")
            assert len(await script.voice_states("Legato Lounge")) == 1
        assert (after.guilds, after.users, after.bots) == (before.guilds, before.users, before.bots)
        assert [each.content for each in messages] == ["hello"]
        await stop(running)


async def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    async with process("--no-voice") as (_, ready):
        port = ready["rest_url"].split(":")[2].split("/")[0]
        second = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "legato_simulator",
            "--no-voice",
            "--port",
            port,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE):
            _, errors = await second.communicate()
    assert second.returncode == 1
    assert b"address already in use" in errors
    assert b"Traceback" not in errors
