"""What sessions cost the node: idle ones, one a player against one for all; and first sound."""

import asyncio
import contextlib
import pathlib
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from benchmarks import processes
from benchmarks.measured import Benchmark, Measured, Row, median, percentile
from support_audio_node import BOT, PASSWORD, Stage, Studio, studio
from support_media import FORMATS, tone

NAME = "tone.opus.ogg"
SECONDS, SHORT = 120.0, 30.0
"""Of the tone that is played through, and of those that are only begun."""
AT_ONCE = 50
"""Websockets that are opened at the same time."""
MOST_BYTES = 40_000.0
MOST_SHARE = 0.10
MOST_GAP_MS = 25.0
MOST_FIRST_MS = 120.0
"""The official server's slowest, measured from the PATCH: 60 to 120 ms."""
LOOK = 0.0005


@dataclass(frozen=True, slots=True)
class Load:
    """What the node took in a while, and how steadily one player was heard."""

    share: float
    resident: int
    p99_ms: float
    longest_ms: float


@contextlib.asynccontextmanager
async def running(folder: pathlib.Path, *endings: str) -> AsyncIterator[Studio]:
    """Run a node with its surroundings, and some tones."""
    files = {f"tone.{ending}": tone(ending, SHORT) for ending in endings}
    files.setdefault(NAME, tone("opus.ogg", SECONDS))
    async with studio(folder, files) as whole:
        yield whole


async def watched(whole: Studio, stages: list[Stage], seconds: float) -> Load:
    """Watch for some seconds; the gaps are the worst player's."""
    pid = whole.node.process.pid
    spent, began = processes.seconds(pid), time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    share = (processes.seconds(pid) - spent) / took
    reports = [whole.voice.report(one.guild, BOT, since=began) for one in stages]
    gaps = [one.epochs[0].continuity.gaps for one in reports if one and one.epochs]
    return Load(
        share=share,
        resident=processes.resident(pid),
        p99_ms=max((gap.p99_ms for gap in gaps), default=0.0),
        longest_ms=max((gap.max_ms for gap in gaps), default=0.0),
    )


@contextlib.asynccontextmanager
async def idle(whole: Studio, count: int) -> AsyncIterator[list[float]]:
    """Hold so many sessions open; gives how long each took until `ready`, in ms."""
    took: list[float] = []
    turns = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        sockets: list[aiohttp.ClientWebSocketResponse] = []

        async def connect(user: int) -> None:
            headers = {"Authorization": PASSWORD, "User-Id": str(user), "Client-Name": "bench/1"}
            async with turns:
                began = time.perf_counter()
                socket = await http.ws_connect(f"{whole.node.url}/v4/websocket", headers=headers)
                await socket.receive()
                took.append((time.perf_counter() - began) * 1000)
            sockets.append(socket)

        await asyncio.gather(*(connect(user) for user in range(10_000, 10_000 + count)))
        readers = [asyncio.create_task(_read(socket)) for socket in sockets]
        yield took
        await asyncio.gather(*(socket.close() for socket in sockets))
        await asyncio.wait(readers)


async def _read(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Answer pings for as long as the socket is open."""
    async for _ in socket:
        continue


async def of_idle_ones(count: int, seconds: float) -> list[Row]:
    """Measure a player alone, and then with idle sessions beside it."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(pathlib.Path(folder)) as whole:
            stage = await whole.stage()
            await stage.play(NAME)
            await stage.frames(50)
            alone = await watched(whole, [stage], seconds)
            async with idle(whole, count) as took:
                beside = await watched(whole, [stage], seconds)
    name = f"{count:,} idle sessions beside one player"
    return [
        Row(
            what=f"{name}: memory a session",
            figure=(beside.resident - alone.resident) / count,
            unit="bytes",
            most=MOST_BYTES,
        ),
        Row(
            what=f"{name}: share of a core",
            figure=beside.share,
            unit="",
            most=MOST_SHARE,
            base=alone.share,
            base_of="no idle session",
        ),
        Row(
            what=f"{name}: p99 gap between the player's packets",
            figure=beside.p99_ms,
            unit="ms",
            most=MOST_GAP_MS,
            base=alone.p99_ms,
            base_of="no idle session",
            note=f"longest {beside.longest_ms:.0f} ms",
        ),
        Row(
            what=f"{name}: until `ready`, {AT_ONCE} at once",
            figure=median(took),
            unit="ms",
            note=f"p99 {percentile(took, 0.99):.0f} ms",
        ),
    ]


async def players(count: int, sessions: int, seconds: float) -> Load:
    """Play so many players over so many sessions."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(pathlib.Path(folder)) as whole:
            clients = [await whole.node.connect() for _ in range(sessions)]
            stages = [
                Stage(whole.files, whole.voice, whole.node, clients[at % sessions], at << 22)
                for at in range(1000, 1000 + count)
            ]
            encoded = await stages[0].track(NAME)
            for stage in stages:
                voice = await stage.credentials()
                await stage.patch(track={"encoded": encoded}, voice=voice)
            await stages[-1].frames(50)
            return await watched(whole, stages, seconds)


async def of_many(count: int, seconds: float) -> list[Row]:
    """Measure a session for each player against one for all."""
    one = await players(count, 1, seconds)
    each = await players(count, count, seconds)
    name = f"{count} players in {count} sessions"
    return [
        Row(
            what=f"{name}: share of a core",
            figure=each.share,
            unit="",
            base=one.share,
            base_of="one session",
        ),
        Row(
            what=f"{name}: worst player's p99 gap",
            figure=each.p99_ms,
            unit="ms",
            most=MOST_GAP_MS,
            base=one.p99_ms,
            base_of="one session",
        ),
        Row(
            what=f"{name}: memory of the node",
            figure=each.resident / 1e6,
            unit="MB",
            base=one.resident / 1e6,
            base_of="one session",
        ),
    ]


async def of_first_sound(times: int) -> list[Row]:
    """Measure from loadtracks, and from the PATCH that follows it, until the first packet."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        async with running(pathlib.Path(folder), *FORMATS) as whole:
            for ending in FORMATS:
                stage = await whole.stage()
                await stage.patch(voice=await stage.credentials())
                found = [await first_sound(stage, f"tone.{ending}") for _ in range(times)]
                rows.append(_first_row(ending, found))
    return rows


async def first_sound(stage: Stage, name: str) -> tuple[float, float]:
    """Load and play once, connected to voice already; gives ms since the load and the PATCH."""
    asked = time.monotonic()
    encoded = await stage.track(name)
    ordered = time.monotonic()
    await stage.patch(track={"encoded": encoded})
    first = await _first_packet(stage, ordered)
    await stage.patch(track={"encoded": None})
    await stage.quiet()
    return (first - asked) * 1000, (first - ordered) * 1000


async def _first_packet(stage: Stage, since: float) -> float:
    listener = stage.voice.listener(stage.guild, BOT)
    while True:
        if listener is None:
            listener = stage.voice.listener(stage.guild, BOT)
        found = [] if listener is None else listener.since(since)
        sound = next((each for each in found if not each.silent), None)
        if sound is not None:
            return sound.at_ns / 1e9
        await asyncio.sleep(LOOK)


def _first_row(ending: str, found: list[tuple[float, float]]) -> Row:
    loaded, ordered = ([each[at] for each in found] for at in (0, 1))
    note = f"p95 {percentile(loaded, 0.95):.0f} ms; from the PATCH {median(ordered):.0f} ms"
    return Row(
        what=f"{ending}: from loadtracks to the first packet, median of {len(found)}",
        figure=median(loaded),
        unit="ms",
        most=MOST_FIRST_MS,
        note=note,
    )


async def measure(quick: bool) -> Measured:
    """Measure all three."""
    count, seconds, many, times = (100, 1.5, 8, 3) if quick else (1000, 6.0, 64, 12)
    rows = await of_idle_ones(count, seconds)
    rows += await of_many(many, seconds)
    rows += await of_first_sound(times)
    return Measured(rows=tuple(rows))


BENCHMARK = Benchmark(
    shows=(
        "What sessions cost the embedded node, and how soon a track is heard after `loadtracks` "
        "(file server, voice server and listener run on the same cores)."
    ),
    measure=measure,
    limit=180,
    quick_limit=75,
)
