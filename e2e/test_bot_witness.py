"""discord.js, which nobody here wrote, logs in to the simulator and answers what people do."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from legato_simulator.app import Simulator
from support_discord import discord
from support_node import WITNESSES, modules, node


async def test_discordjs_plays_a_command_a_button_and_autocomplete(tmp_path: Path) -> None:
    installed = await asyncio.to_thread(modules)
    async with discord() as sim, bot(sim, installed, tmp_path) as ready:
        assert ready == {"event": "ready", "name": "Legato", "guilds": ["Legato Lounge"]}

        typed = await sim.script.autocomplete("Ada", "music", "play", "query", {"query": "m"})
        assert await typed.choices() == [{"name": "Morning", "value": "morning"}]
        played = await sim.script.run_command("Ada", "music", "play", {"query": "morning"})
        answered = await played.response()
        assert answered.message is not None
        assert answered.message.content == "Playing morning"
        pressed = await sim.script.press_button("Ada", answered.message.id, "pause")
        assert (await pressed.response()).state == "answered"
        assert (await sim.script.message(answered.message.id)).content == "Paused"
        record = await sim.script.record()
        assert (record.identifies, record.violations, record.refusals) == (1, [], {})


@asynccontextmanager
async def bot(sim: Simulator, installed: Path, folder: Path) -> AsyncIterator[dict[str, Any]]:
    """Run the bot, whose modules are beside no script of ours; give its first line."""
    script = folder / "bot.cjs"
    shutil.copy(WITNESSES / "bot.cjs", script)
    process = await asyncio.create_subprocess_exec(
        node(),
        str(script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "NODE_PATH": str(installed / "node_modules")},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    orders = {"token": sim.token, "api": sim.rest_url.removesuffix("/v10")}
    process.stdin.write(json.dumps(orders).encode() + b"\n")
    try:
        async with asyncio.timeout(30):
            ready = json.loads(await process.stdout.readline())
        yield ready
        process.terminate()
        async with asyncio.timeout(10):
            assert (await process.stdout.read()).decode() == ""
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
