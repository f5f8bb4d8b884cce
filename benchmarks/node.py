"""How many players a node carries: core time and memory a player, and the gaps a listener sees.

Everything runs on this machine, the listener too; its own share is not in the node's figures.
"""

import asyncio
import contextlib
import pathlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from benchmarks import encoding, processes
from benchmarks.measured import Benchmark, Measured, Row
from legato_simulator.dave.policy import Policy
from support_audio_node import BOT, CHANNEL, Stage, Studio, studio
from support_media import tone

FILES: dict[str, dict[str, object]] = {"opus.ogg": {}, "mp3": {}}
PLAYERS_A_CORE = {"opus.ogg": 300.0, "mp3": 80.0}
ENCRYPTED = "opus.ogg"
"""What is measured in encrypted calls too: where their share is the largest."""

LISTENER = 900_000_000_000_000_001
MOST_GAP_MS = 25.0
LOADS_A_SECOND = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many players of one kind took."""

    players: int
    share: float
    """Of a core, all of the node's processes."""
    by_process: str
    p99_ms: float
    """The median player's p99 gap between packets."""
    worst_p99_ms: float
    longest_ms: float
    missing: float
    """Share of the frames due in this time that did not come, 0 to 1."""
    breaks: int
    bytes_a_player: float

    @property
    def players_a_core(self) -> float:
        """Return how many one core would carry, by core time and the frames that came."""
        return self.players * (1 - self.missing) / self.share if self.share else 0.0


def beside(alone: Cost, busy: Cost) -> float:
    """Return how many players what loading leaves of a core would carry."""
    loading = max(0.0, busy.share - alone.share)
    return alone.players_a_core * max(0.0, 1 - loading)


def used(studio: Studio) -> dict[str, float]:
    """Sum processor seconds by kind of process."""
    pids = {studio.node.process.pid: "control", **studio.node.children()}
    found: dict[str, float] = {}
    for pid, line in pids.items():
        kinds = {"pacing": "pacer", "worker": "media", "key_process": "key process"}
        kind = next((kind for word, kind in kinds.items() if word in line), "control")
        spent = processes.seconds(pid) if kind != "control" else processes.own_seconds(pid)
        found[kind] = found.get(kind, 0) + spent
    return found


async def costs(ending: str, players: int, seconds: float) -> tuple[Cost, Cost]:
    """Play on so many players at once: alone, then while tracks are loaded."""
    files = {f"tone.{ending}": tone(ending, 120.0)}
    with tempfile.TemporaryDirectory() as folder:
        async with studio(pathlib.Path(folder), files) as whole:
            before = processes.resident(whole.node.process.pid)
            stages = await _playing(whole, f"tone.{ending}", players)
            alone = await _window(whole, stages, seconds, before)
            async with _loading(stages[0], f"tone.{ending}"):
                return alone, await _window(whole, stages, seconds, before)


async def encrypted(ending: str, players: int, seconds: float) -> tuple[Cost, int]:
    """The same in calls that are encrypted end to end, and how many frames could not be opened."""
    files = {f"tone.{ending}": tone(ending, 120.0)}
    with tempfile.TemporaryDirectory() as folder:
        async with studio(pathlib.Path(folder), files) as whole:
            before = processes.resident(whole.node.process.pid)
            whole.voice.calls.demand(Policy.REQUIRED, None)
            for guild in _guilds(players):
                await whole.voice.announce(guild, LISTENER, CHANNEL)
            stages = await _playing(whole, f"tone.{ending}", players)
            cost = await _window(whole, stages, seconds, before)
            ears = [ear for call in whole.voice.calls.told() for ear in call.heard]
            return cost, sum(ear.undecryptable for ear in ears)


def _guilds(players: int) -> list[int]:
    return [guild << 22 for guild in range(1000, 1000 + players)]


async def _window(whole: Studio, stages: list[Stage], seconds: float, before: int) -> Cost:
    """Watch for some seconds."""
    spent, began = used(whole), time.monotonic()
    await asyncio.sleep(seconds)
    after, took = used(whole), time.monotonic() - began
    grown = processes.resident(whole.node.process.pid) - before
    reports = [whole.voice.report(one.guild, BOT, since=began) for one in stages]
    gaps = [one.epochs[0].continuity.gaps for one in reports if one and one.epochs]
    return Cost(
        players=len(stages),
        share=(sum(after.values()) - sum(spent.values())) / took,
        by_process=processes.shares(spent, after, took),
        p99_ms=statistics.median(gap.p99_ms for gap in gaps),
        worst_p99_ms=max(gap.p99_ms for gap in gaps),
        longest_ms=max(gap.max_ms for gap in gaps),
        missing=max(0.0, 1 - sum(one.sound for one in reports if one) / (took * 50 * len(stages))),
        breaks=sum(one.breaks for one in reports if one),
        bytes_a_player=grown / len(stages),
    )


async def _playing(whole: Studio, name: str, players: int) -> list[Stage]:
    first = await whole.stage()
    encoded = await first.track(name)
    stages = [
        Stage(whole.files, whole.voice, whole.node, first.client, guild)
        for guild in _guilds(players)
    ]
    more = FILES[name.partition(".")[2]]
    for stage in stages:
        await stage.patch(track={"encoded": encoded}, voice=await stage.credentials(), **more)
    for stage in stages:
        await stage.frames(1)
    await stages[-1].frames(50)
    return stages


@contextlib.asynccontextmanager
async def _loading(stage: Stage, name: str) -> AsyncIterator[None]:
    """Load tracks steadily meanwhile."""

    async def load() -> None:
        while True:
            began = time.monotonic()
            await stage.track(name)
            await asyncio.sleep(max(0.0, 1 / LOADS_A_SECOND - (time.monotonic() - began)))

    task = asyncio.create_task(load())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def measure(quick: bool) -> Measured:
    """Measure each source, and once more while tracks are loaded."""
    players, seconds = (16, 2.0) if quick else (64, 8.0)
    rows: list[Row] = []
    profile: list[str] = []
    for ending in FILES:
        alone, busy = await costs(ending, players, seconds)
        rows += _rows(ending, alone, busy)
        profile.append(f"{players} players of {ending}: share of a core: {alone.by_process}")
        profile.append(f"  the same while {LOADS_A_SECOND} tracks a second load: {busy.by_process}")
        if ending == ENCRYPTED:
            cost, lost = await encrypted(ending, players, seconds)
            rows += _encrypted_rows(cost, alone, lost)
            profile.append(f"  the same encrypted end to end: {cost.by_process}")
    rows += encoding.rows(5, 2) if quick else encoding.rows(10, 4)
    return Measured(rows=tuple(rows), profile=tuple(profile))


def _rows(ending: str, alone: Cost, busy: Cost) -> list[Row]:
    name = f"{ending}, {alone.players} players"
    how = "passed through" if ending == "opus.ogg" else "decoded and encoded"
    gap = f"worst player's p99 {alone.worst_p99_ms:.1f} ms, longest gap {alone.longest_ms:.0f} ms"
    gap += f"; {alone.missing:.1%} of the frames missing"
    return [
        Row(
            what=f"{name}: players a core, {how}",
            figure=alone.players_a_core,
            unit="",
            least=PLAYERS_A_CORE[ending],
            note=f"{alone.share / alone.players:.2%} of a core a player; {alone.breaks} breaks",
        ),
        Row(
            what=f"{name}: p99 gap between packets, median player",
            figure=alone.p99_ms,
            unit="ms",
            most=MOST_GAP_MS,
            note=gap,
        ),
        Row(
            what=f"{name}: the same while {LOADS_A_SECOND} tracks a second are loaded",
            figure=busy.p99_ms,
            unit="ms",
            most=MOST_GAP_MS,
            base=alone.p99_ms,
            base_of="no loading",
            note=f"longest gap {busy.longest_ms:.0f} ms, {busy.breaks} breaks",
        ),
        Row(
            what=f"{name}: players a core that loads {LOADS_A_SECOND} tracks a second besides",
            figure=beside(alone, busy),
            unit="",
            least=PLAYERS_A_CORE[ending],
            base=alone.players_a_core,
            base_of="no loading",
            note=f"loading took {busy.share - alone.share:.0%} of a core",
        ),
        Row(what=f"{name}: memory a player", figure=alone.bytes_a_player / 1e6, unit="MB"),
    ]


def _encrypted_rows(cost: Cost, plain: Cost, lost: int) -> list[Row]:
    name = f"{ENCRYPTED}, {cost.players} players, encrypted end to end"
    gap = f"worst player's p99 {cost.worst_p99_ms:.1f} ms, longest gap {cost.longest_ms:.0f} ms"
    return [
        Row(
            what=f"{name}: players a core",
            figure=cost.players_a_core,
            unit="",
            base=plain.players_a_core,
            base_of="not encrypted",
            note=f"{cost.share / cost.players:.2%} of a core a player; {lost} frames not opened",
        ),
        Row(
            what=f"{name}: p99 gap between packets, median player",
            figure=cost.p99_ms,
            unit="ms",
            most=MOST_GAP_MS,
            base=plain.p99_ms,
            base_of="not encrypted",
            note=gap,
        ),
        Row(what=f"{name}: memory a player", figure=cost.bytes_a_player / 1e6, unit="MB"),
    ]


BENCHMARK = Benchmark(
    shows=(
        "What a player costs the embedded node, and how steadily its packets come "
        "(the listener runs on the same cores)."
    ),
    measure=measure,
    limit=190,
    quick_limit=75,
)
