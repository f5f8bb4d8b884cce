"""A stream of test packets from a process of its own: the machine's own noise, to read against.

`python -m legato_simulator.control_stream` takes one JSON line on standard input (where to
connect), sends one 20 ms packet after another until its input ends, and knows nothing else.
"""

import asyncio
import itertools
import secrets
import ssl
import sys
import threading

import aiohttp
import msgspec
from msgspec import Struct

from legato_simulator import opus, timecode
from legato_simulator.calls import VoiceCredentials
from legato_simulator.dave.policy import Policy
from legato_simulator.listener import Report
from legato_simulator.voice_sender import VoiceSender
from legato_simulator.voice_server import VoiceServer

GUILD = 1 << 22
"""A guild of the control stream's own, with a bot of its own."""
BOT = 2 << 22
CHANNEL = 3 << 22
TRACK = 15
START_S = 60.0
"""A busy machine takes long to start a process."""


class Orders(Struct, frozen=True, kw_only=True):
    """What the process is told."""

    ca_file: str
    credentials: VoiceCredentials
    session_id: str


class ControlStream:
    """Starts and ends the process, and reports what its listener received."""

    def __init__(self, server: VoiceServer) -> None:
        self._server = server
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start sending, unless it does already; returns when packets arrive."""
        if self._process is not None and self._process.returncode is None:
            return
        session_id = secrets.token_hex(8)
        self._server.calls.demand(Policy.OFF, GUILD)
        orders = Orders(
            ca_file=str(self._server.certificates.ca_file),
            credentials=await self._server.open(GUILD, CHANNEL, BOT, session_id),
            session_id=session_id,
        )
        before = self._packets()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "legato_simulator.control_stream",
            stdin=asyncio.subprocess.PIPE,
        )
        if self._process.stdin is not None:
            self._process.stdin.write(msgspec.json.encode(orders) + b"\n")
            await self._process.stdin.drain()
        async with asyncio.timeout(START_S):
            while self._packets() < before + 5:  # noqa: ASYNC110 - the receive path tells nobody
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            process, self._process = self._process, None
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    def report(self, *, since: float | None = None) -> Report | None:
        """Say what arrived of it, in the shape of any other listener's report."""
        return self._server.report(GUILD, BOT, since=since)

    def _packets(self) -> int:
        report = self.report()
        return report.packets if report else 0


async def send(orders: Orders, stop: threading.Event) -> None:
    """Connect and send until told to stop."""
    context = ssl.create_default_context(cafile=orders.ca_file)
    async with aiohttp.ClientSession() as client:
        sender = VoiceSender(
            client, context, guild_id=GUILD, user_id=BOT, session_id=orders.session_id
        )
        await sender.connect(orders.credentials)
        minute = list(opus.encode(timecode.tone(TRACK, 60_000), bitrate=64_000))
        await sender.play(itertools.cycle(minute), stop=stop)
        await sender.close()


def main() -> None:
    """Read the orders, send, and end with the input."""
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.buffer.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    asyncio.run(send(orders, stop))


if __name__ == "__main__":
    main()
