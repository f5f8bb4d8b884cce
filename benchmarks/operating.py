"""What operating many bots costs: from a changed spec to its report, calls, memory, processor.

A real API server, and the operator as a process; no machine runs a pod (operated.py).
"""

import time
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.measured import Benchmark, Measured, Row, percentile
from benchmarks.operated import BOTS, PATIENCE, Json, Stage, operated
from support_servers import end

MANY, FEW = 200, 10
CHANGES, FEW_CHANGES = 100, 20
IDLE, SHORT_IDLE = 60.0, 40.0
SETTLING = 15.0
MOST_P99, MOST_MEMORY = 5.0, 150.0
MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Spent:
    """What the operator did and took in some time."""

    looks: int
    calls: int
    writes: int
    core: float
    """Processor seconds."""
    wall: float


class Meter:
    """Counts from a moment on."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._calls = len(stage.calls())
        self._core = processes.own_seconds(stage.operator.pid)
        self._began = time.monotonic()

    def read(self) -> Spent:
        """Say what was spent since then."""
        wall = time.monotonic() - self._began
        core = processes.own_seconds(self._stage.operator.pid) - self._core
        calls = self._stage.calls()[self._calls :]
        looks = sum(map(_is_look, calls))
        writes = sum(one["verb"] not in {"get", "list"} for one in calls)
        return Spent(looks, len(calls), writes, core, wall)


def _is_look(call: Json) -> bool:
    """Say whether a call is the first of a look."""
    return bool(call["verb"] == "get" and call["objectRef"]["resource"] == "musicbots")


def _settle(stage: Stage) -> None:
    """Wait until Kubernetes' own controllers have written what they think of so many objects."""
    deadline = time.monotonic() + PATIENCE / 4
    while True:
        meter = Meter(stage)
        time.sleep(SETTLING)
        if meter.read().looks <= stage.bots or time.monotonic() > deadline:
            return


def _idle(stage: Stage, seconds: float) -> Spent:
    """Leave everything alone."""
    _settle(stage)
    meter = Meter(stage)
    time.sleep(seconds)
    return meter.read()


def _changes(stage: Stage, count: int) -> list[float]:
    """Change one bot after the other, and wait each time until that is reported."""
    took = []
    for number in range(count):
        name = stage.names()[number % stage.bots]
        change = {"spec": {"gateway": {"maxHandovers": 3 + number // stage.bots}}}
        began = time.monotonic()
        wanted = stage.api.call("PATCH", f"{BOTS}/{name}", change)["metadata"]["generation"]
        while True:
            found = stage.api.call("GET", f"{BOTS}/{name}")
            if found.get("status", {}).get("observedGeneration") == wanted:
                break
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"{name} was never looked at; {stage.operator.last_words()}")
            time.sleep(0.01)
        took.append(time.monotonic() - began)
    return took


def _restarted(stage: Stage) -> int:
    """Operate anew where all the bots are there; tell the most memory that this took."""
    end(stage.operator)
    before = len(stage.calls())
    stage.start()

    def all_seen() -> bool:
        return sum(map(_is_look, stage.calls()[before:])) >= stage.bots

    stage.until(all_seen, "a look at every bot")
    time.sleep(SETTLING)
    return processes.peak(stage.operator.pid)


def _at_rest(idle: Spent, bots: str) -> tuple[Row, ...]:
    return (
        Row(
            what="at rest: API calls a look",
            figure=round(idle.calls / max(1, idle.looks), 2),
            unit="calls",
            note=f"{idle.looks} looks in {idle.wall:.0f} s, {idle.writes} writes; {bots}",
        ),
        Row(
            what="at rest: processor",
            figure=round(100 * idle.core / idle.wall, 1),
            unit="% of a core",
            note=f"{1000 * idle.core / max(1, idle.looks):.0f} ms a look, watches included",
        ),
    )


def _changed(took: list[float], spent: Spent, bots: str) -> tuple[Row, ...]:
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    return (
        Row(what="spec changed → reported, p50", figure=round(p50, 2), unit="s", note=bots),
        Row(
            what="spec changed → reported, p99",
            figure=round(p99, 2),
            unit="s",
            most=MOST_P99,
            note=f"{len(took)} changes, one after the other",
        ),
        Row(
            what="while specs change: API calls a look",
            figure=round(spent.calls / max(1, spent.looks), 2),
            unit="calls",
            note=(
                f"{spent.looks} looks in {spent.wall:.0f} s, {spent.writes} writes; "
                f"{100 * spent.core / spent.wall:.0f} % of a core"
            ),
        ),
    )


async def measure(quick: bool) -> Measured:
    """Measure it; its programs are started from this thread, which they end with."""
    began = time.monotonic()
    with operated(FEW if quick else MANY) as stage:
        bots = f"{stage.bots} bots"
        came, core = time.monotonic() - began, processes.own_seconds(stage.operator.pid)
        idle = _idle(stage, SHORT_IDLE if quick else IDLE)
        meter = Meter(stage)
        took = _changes(stage, FEW_CHANGES if quick else CHANGES)
        spent = meter.read()
        memory = processes.resident(stage.operator.pid) / MB
        peak = processes.peak(stage.operator.pid) / MB
        anew = _restarted(stage) / MB
    rows = (
        *_changed(took, spent, bots),
        *_at_rest(idle, bots),
        Row(
            what="memory",
            figure=round(memory),
            unit="MB",
            most=MOST_MEMORY,
            note=f"{bots}; at most {peak:.0f} MB since the first of them",
        ),
        Row(
            what="memory of an operator that finds them there, at most",
            figure=round(anew),
            unit="MB",
            most=MOST_MEMORY,
            note=bots,
        ),
        Row(
            what="all bots made, from an empty cluster",
            figure=round(came),
            unit="s",
            note=f"the operator took {core:.0f} s of a core",
        ),
    )
    return Measured(rows=rows)


BENCHMARK = Benchmark(
    shows="What operating 200 bots costs, on a real API server without machines.",
    measure=measure,
    limit=840,
    quick_limit=300,
)
