"""README as a newcomer: clone, `make up`, open the address, type /play, hear music."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator

import aiohttp
import pytest

import support_servers
from legato.embedded import ports
from legato_machine import logs
from legato_machine.conditions import until
from legato_simulator.client import SimulatorClient
from legato_simulator.voice_client import VoiceClient

pytestmark = pytest.mark.alone
ROOT = pathlib.Path(__file__).parents[1]
OPTIONS = ("port", "api-port", "gateway-port", "audio-port", "worker-port")
PROMISE = 120.0
"""Seconds from the clone to the music."""


@contextlib.contextmanager
def make_up(folder: pathlib.Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `make up` as in a terminal of its own, and end it as Ctrl-C there does."""
    free = " ".join(f"--{name} {ports.free()}" for name in OPTIONS)
    # As on a machine that never saw Legato: no environment, no packages of an earlier time.
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "CI")}
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            ["make", "up", f"ARGS=--data {folder / 'data'} {free}"],
            cwd=folder / "legato",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                **kept,
                "UV_CACHE_DIR": str(folder / "cache"),
                "XDG_CACHE_HOME": str(folder / "cache"),
            },
            start_new_session=True,
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


async def test_a_newcomer_hears_music_within_two_minutes() -> None:
    with support_servers.scratch_folder() as folder:
        began = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", ROOT, folder / "legato"], check=True)
        with make_up(folder) as process:
            address = await until(
                lambda: the_address(folder / "output.txt", process),
                what="an address to open",
                timeout=PROMISE,
            )
            up = time.monotonic() - began
            await hear_the_first_piece(address)
            heard = time.monotonic() - began
        print(f"clone to address {up:.1f} s, to music {heard:.1f} s")
        shown = (folder / "output.txt").read_text()

        warned = [line for log in written(folder) for line in logs.of_part(log.stem, log)]

    assert "stopping PostgreSQL" in shown
    assert logs.unexpected(Counter(warned), {}) == []
    assert heard < PROMISE


def written(folder: pathlib.Path) -> list[pathlib.Path]:
    """List the parts' logs."""
    found = sorted((folder / "data" / "logs").glob("*.log"))
    assert {log.stem for log in found} >= {"services", "node-1", "simulator", *logs.SERVERS}
    return found


async def the_address(output: pathlib.Path, process: "subprocess.Popen[bytes]") -> str | None:
    shown = output.read_text()
    assert process.poll() is None, shown
    found = re.search(r"Open (\S+) - join", shown)
    return found[1] if found else None


async def hear_the_first_piece(address: str) -> None:
    async with SimulatorClient(f"{address}/control") as discord, aiohttp.ClientSession() as http:
        world = await discord.world()
        person = next(user for user in world.users if not user.bot)
        guild, bot = world.guilds[0], world.bots[0]
        text = next(channel for channel in guild.channels if channel.kind == "text")
        voice = next(channel for channel in guild.channels if channel.kind == "voice")
        async with http.get(f"{address}/music/catalogue.json") as answer:
            piece = (await answer.json())["items"][0]
        await discord.join_voice(person.id, voice.id)
        await discord.run_command(person.id, text.id, "play", {"query": piece["url"]})
        ear = VoiceClient(http, address)

        async def sound() -> bool:
            report = await ear.voice_report(int(guild.id), int(bot.id))
            return report is not None and report.sound > 50

        await until(sound, what=f"the sound of {piece['title']}", timeout=60)
