"""Starts Legato's embedded node as a process: the only place that knows what it is told by."""

import asyncio
import contextlib
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from conformance.settings import Target
from conformance.surroundings import Surroundings

QUICK = {
    "STATS_INTERVAL": "1s",
    "SILENT_SOCKET_TIMEOUT": "3s",
    "STUCK_THRESHOLD": "2s",
    "VOICE_TIMEOUT": "2s",
}
"""Shorter than by default, so that a run takes no minutes."""
START = 30.0
"""Seconds until it must serve."""
STOP = 10.0


class _Line(msgspec.Struct):
    event: str = ""
    port: int = 0


@asynccontextmanager
async def running(around: Surroundings, scratch: Path) -> AsyncIterator[Target]:
    """Run a node for a block, its log in `scratch`."""
    password = secrets.token_hex(16)
    environment = {
        **os.environ,
        **QUICK,
        "PORT": "0",
        "PASSWORD": password,
        "ALLOWED_PRIVATE": around.authority,
        "SSL_CERT_FILE": str(around.voice.certificates.ca_file),
    }
    log = scratch / "node.log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "legato.node",
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        port = await _port(process, log)
        yield Target(f"http://127.0.0.1:{port}", password)
    finally:
        await _end(process)


async def _port(process: asyncio.subprocess.Process, log: Path) -> int:
    """Wait for the line that says it serves."""
    async with asyncio.timeout(START):
        while process.returncode is None:
            port = _told(log)
            if port:
                return port
            await asyncio.sleep(0.05)
    raise RuntimeError(f"the node did not start:\n{_last_words(log)}")


def _told(log: Path) -> int:
    for raw in log.read_bytes().splitlines():
        with contextlib.suppress(msgspec.MsgspecError):
            line = msgspec.json.decode(raw, type=_Line)
            if line.event == "ready":
                return line.port
    return 0


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
