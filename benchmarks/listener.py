"""How much of a core the simulator's listener takes, by the number of streams.

The senders are a process of their own; the listener decrypts, judges and keeps every packet.
"""

import asyncio
import ssl
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import msgspec

from benchmarks.measured import Benchmark, Measured, Row
from legato_simulator import certs, opus, timecode
from legato_simulator.calls import VoiceCredentials
from legato_simulator.listener import Report
from legato_simulator.voice_sender import VoiceSender
from legato_simulator.voice_server import VoiceServer

BOT, CHANNEL, SESSION = 7, 8, "bench"
FRAME_NS = 20_000_000


def guild(number: int) -> int:
    """Name the guild of a stream."""
    return (number + 1) << 22


async def listen(streams: int, seconds: int) -> list[Row]:
    """Serve voice, let the child send, and say what it took."""
    with tempfile.TemporaryDirectory() as folder:
        server = VoiceServer(certs.make(Path(folder)))
        await server.start()
        given = [await server.open(guild(n), CHANNEL, BOT, SESSION) for n in range(streams)]
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.listener",
            str(seconds),
            str(server.certificates.ca_file),
            stdin=asyncio.subprocess.PIPE,
        )
        try:
            return await _measured(server, child, given, seconds)
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()
            await server.stop()


async def _measured(
    server: VoiceServer,
    child: asyncio.subprocess.Process,
    given: list[VoiceCredentials],
    seconds: int,
) -> list[Row]:
    asking = asyncio.create_task(child.communicate(msgspec.json.encode(given)))
    while sum(one.mode != "" for one in server.connections()) < len(given):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    wall, spent = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds - 1)
    share = (time.process_time() - spent) / (time.monotonic() - wall)
    await asking
    found = [server.report(guild(n), BOT) for n in range(len(given))]
    return _rows([report for report in found if report is not None], share, seconds)


def _rows(reports: list[Report], share: float, seconds: int) -> list[Row]:
    streams = len(reports)
    gaps = [report.epochs[0].continuity.gaps for report in reports]
    sent, breaks = streams * seconds * 50, sum(report.breaks for report in reports)
    return [
        Row(what=f"{streams} streams: streams a core", figure=streams / share, unit=""),
        Row(
            what=f"{streams} streams: packets that arrived",
            figure=sum(report.packets for report in reports) / sent * 100,
            unit="%",
            least=100.0,
            note=f"{breaks} breaks",
        ),
        Row(
            what=f"{streams} streams: p99 gap, worst stream",
            figure=max(gap.p99_ms for gap in gaps),
            unit="ms",
            note=f"longest {max(gap.max_ms for gap in gaps):.0f} ms; sender and listener together",
        ),
    ]


async def send(seconds: int, ca_file: str) -> None:
    """Connect every stream, then send on all of them, spread over each 20 ms."""
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=list[VoiceCredentials])
    context = ssl.create_default_context(cafile=ca_file)
    packets = list(opus.encode(timecode.tone(1, 10_000)))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        senders = [
            VoiceSender(client, context, guild_id=guild(n), user_id=BOT, session_id=SESSION)
            for n in range(len(given))
        ]
        for sender, credentials in zip(senders, given, strict=True):
            await sender.connect(credentials)
        await asyncio.to_thread(_pace, senders, packets, seconds)
        for sender in senders:
            await sender.close()


def _pace(senders: list[VoiceSender], packets: list[bytes], seconds: int) -> None:
    due = time.monotonic_ns()
    for turn in range(seconds * 50):
        for number, sender in enumerate(senders):
            wait = due + number * FRAME_NS // len(senders) - time.monotonic_ns()
            if wait > 1_000_000:
                time.sleep(wait / 1e9)
            sender.send(packets[turn % len(packets)])
        due += FRAME_NS


async def measure(quick: bool) -> Measured:
    """Listen to many streams at once."""
    rows = await listen(40, 3) if quick else await listen(200, 10)
    return Measured(rows=tuple(rows))


BENCHMARK = Benchmark(
    shows="How many streams the simulator's ear can follow, packet by packet, without losing any.",
    measure=measure,
    limit=60,
    quick_limit=30,
)


if __name__ == "__main__":
    asyncio.run(send(int(sys.argv[1]), sys.argv[2]))
