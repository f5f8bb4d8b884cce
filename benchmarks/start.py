"""How long a person waits: from a clone to the first sound, and from a second start to ready.

Everything as a newcomer does it: `git clone`, `make up`, the printed address, /play. The packages
come from the registry the machine is set to; with --quick nothing is installed.
"""

import asyncio
import contextlib
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence

import aiohttp
from msgspec.structs import replace

from benchmarks.catalogue import ROOT
from benchmarks.measured import Benchmark, Measured, Row
from legato.embedded import ports
from legato_machine.conditions import until
from legato_simulator.client import SimulatorClient
from legato_simulator.voice_client import VoiceClient
from support_servers import scratch_folder

OPTIONS = ("port", "api-port", "gateway-port", "audio-port", "worker-port")
NOT_A_NEWCOMERS = {"VIRTUAL_ENV", "CI", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
"""Variables that a newcomer's shell does not have."""
MOST_CLONE, MOST_SECOND = 120.0, 15.0


@contextlib.asynccontextmanager
async def _up(
    command: Sequence[str], folder: pathlib.Path, environment: Mapping[str, str]
) -> AsyncIterator[str]:
    """Run a start until its address is printed; end it as Ctrl-C does."""
    shown = folder / f"output-{time.monotonic_ns()}.txt"
    with shown.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - it runs beside us, and is waited for below
            command,
            cwd=folder / "legato" if (folder / "legato").exists() else folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )

    async def address() -> str | None:
        text = await asyncio.to_thread(shown.read_text)
        if process.poll() is not None:
            raise RuntimeError(f"it ended:\n{text[-2000:]}")
        found = re.search(r"Open (\S+) - join", text)
        return found[1] if found else None

    try:
        yield await until(address, what="an address to open", timeout=MOST_CLONE + 60)
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself, and says why
            os.killpg(process.pid, signal.SIGINT)
        await asyncio.to_thread(process.wait, 60)


async def _first_sound(address: str) -> None:
    """Join voice, type /play, and listen."""
    async with SimulatorClient(f"{address}/control") as discord, aiohttp.ClientSession() as http:
        world = await discord.world()
        person = next(user for user in world.users if not user.bot)
        guild, bot = world.guilds[0], world.bots[0]
        channels = {channel.kind: channel.id for channel in guild.channels}
        async with http.get(f"{address}/music/catalogue.json") as answer:
            piece = (await answer.json())["items"][0]
        await discord.join_voice(person.id, channels["voice"])
        await discord.run_command(person.id, channels["text"], "play", {"query": piece["url"]})
        ear = VoiceClient(http, address)

        async def sound() -> bool:
            report = await ear.voice_report(int(guild.id), int(bot.id))
            return report is not None and report.sound > 0

        await until(sound, what="the first sound", timeout=60)


def _free() -> list[str]:
    return [word for name in OPTIONS for word in (f"--{name}", str(ports.free()))]


async def _cloned(folder: pathlib.Path, what: str, environment: Mapping[str, str]) -> Row:
    """Clone, install, start, play."""
    began = time.monotonic()
    clone = ["git", "clone", "--quiet", str(ROOT), str(folder / "legato")]
    await asyncio.to_thread(subprocess.run, clone, check=True)
    async with _up(_make(folder), folder, environment) as address:
        ready = time.monotonic() - began
        await _first_sound(address)
        heard = time.monotonic() - began
    return Row(
        what=f"clone to the first sound, {what}",
        figure=heard,
        unit="s",
        most=MOST_CLONE,
        note=f"the address was printed after {ready:.1f} s",
    )


async def _clones(folder: pathlib.Path) -> list[Row]:
    """Clone twice: with an empty cache of packages, then with what the first one left there.

    The second clone is also started once more.
    """
    kept = {name: value for name, value in os.environ.items() if name not in NOT_A_NEWCOMERS}
    environment = {**kept, "UV_CACHE_DIR": str(folder / "cache")}
    cold = await _cloned(folder / "cold", "nothing cached", environment)
    warm = await _cloned(folder / "warm-clone", "packages cached", environment)
    warm = replace(warm, base=cold.figure, base_of="nothing cached")
    return [cold, warm, await _again(folder / "warm-clone", environment)]


async def _again(folder: pathlib.Path, environment: Mapping[str, str]) -> Row:
    """Start a clone once more that was installed and has its data."""
    began = time.monotonic()
    async with _up(_make(folder), folder, environment):
        ready = time.monotonic() - began
    return Row(what="second `make up` to ready", figure=ready, unit="s", most=MOST_SECOND)


def _make(folder: pathlib.Path) -> list[str]:
    arguments = shlex.join(["--data", str(folder / "data"), *_free()])
    return ["make", "up", f"ARGS={arguments}"]


async def _warm(folder: pathlib.Path) -> list[Row]:
    """Start twice with one data folder, from this environment."""
    command = [sys.executable, "-m", "legato", "up", "--data", str(folder / "warm"), *_free()]
    began = time.monotonic()
    async with _up(command, folder, os.environ):
        first = time.monotonic() - began
    began = time.monotonic()
    async with _up(command, folder, os.environ) as address:
        second = time.monotonic() - began
        await _first_sound(address)
        heard = time.monotonic() - began
    return [
        Row(
            what="second `legato up` to ready",
            figure=second,
            unit="s",
            most=MOST_SECOND,
            base=first,
            base_of="first, which makes the data",
        ),
        Row(what="second `legato up` to the first sound", figure=heard, unit="s"),
    ]


async def measure(quick: bool) -> Measured:
    """Measure the second start, and the first unless quick."""
    with scratch_folder() as folder:
        rows = await _warm(folder)
        if not quick:
            rows = [*await _clones(folder), *rows]
    return Measured(rows=tuple(rows))


BENCHMARK = Benchmark(
    shows="How long a person waits for music: from the clone on, and at a second start.",
    measure=measure,
    limit=200,
    quick_limit=70,
)
