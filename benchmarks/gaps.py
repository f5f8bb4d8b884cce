"""What is heard of each fault: the longest gap between packets, beside the control stream's.

Some guilds play all the while, on two nodes, with two audio workers and two gateways. Planned moves
and lost nodes are counted per player that moved.
"""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from benchmarks import platform
from benchmarks.faults import Faults
from benchmarks.listening import Act, Heard, Listening, Move, gaps
from benchmarks.measured import Benchmark, Measured, Row
from legato_machine.conditions import NeverHappened
from legato_machine.machine import Machine, Stage
from legato_simulator.dave.policy import Policy
from legato_simulator.voice_faults import VoiceFaults

LEASE = 6.0
LEASE_TTL, SHARDS = f"{LEASE:.0f}s", "4"
STAGE = Stage(
    nodes=2,
    audio=2,
    gateway=2,
    settings={"SHARDS": SHARDS, "MEMBER_READY_AFTER": "1s", "SETTLE": "3s", "LEASE_TTL": LEASE_TTL},
    discord={
        **platform.UNOBSERVED.discord,
        "SIMULATOR_SHARDS": SHARDS,
        "SIMULATOR_MAX_CONCURRENCY": SHARDS,
    },
)
ROOMS, QUICK_ROOMS = 6, 3
SECONDS, QUICK_SECONDS = 210.0, 55.0
"""After so long what was measured is all there is."""
ROUNDS = 2
"""Each drains both nodes' players once, there and back: so many times the rooms move."""
STEP = 0.06
"""Seconds that a distant voice server takes for each step of its handshake."""
UNBROKEN_MS, ALIKE_MS, ALIKE_P99_MS = 200.0, 20.0, 5.0
"""Beyond the control stream's: what counts as unbroken, and what as no different from it."""
MOVE_MS, LOST_MS, SILENCE_MS = 60.0, 40.0, 3000.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that happens to the platform."""

    cause: str
    act: Act
    alike: bool = True
    """Whether nothing at all may be noticed of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured so far."""

    rows: list[Row] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Add a line, and show how far it is."""
        self.lines.append(line)
        print(line, file=sys.stderr, flush=True)


async def measure(quick: bool) -> Measured:
    """Go through the faults on one running platform, for as long as there is time."""
    found = Found()
    async with platform.running(STAGE) as machine:
        try:
            async with asyncio.timeout(QUICK_SECONDS if quick else SECONDS):
                await _all(machine, found, quick=quick)
        except (TimeoutError, NeverHappened) as error:
            found.say(f"{error or 'the time was over'}: what is missing above was not measured")
    return Measured(rows=tuple(found.rows), profile=tuple(found.lines))


async def _all(machine: Machine, found: Found, *, quick: bool) -> None:
    """What people hear most of comes first."""
    listening = await Listening.begin(machine, QUICK_ROOMS if quick else ROOMS)
    faults = Faults(machine, listening.rooms[0], lease=LEASE)
    await _heard(listening, _hand_overs(faults, quick=quick), found)
    await _moved(listening, found, 0.0, quick=quick)
    if not quick:
        await listening.go_far("far")
        await machine.voice.voice_faults(VoiceFaults(step_delay=STEP))
        await _moved(listening, found, STEP, quick=quick)
        await machine.voice.voice_faults(VoiceFaults())
    found.rows.extend(_lost(await _killed(listening)))
    await _heard(listening, _outages(faults, quick=quick), found)


def _hand_overs(faults: Faults, *, quick: bool) -> Iterator[Fault]:
    for kind in ("audio", "gateway"):
        yield Fault(f"{kind}: kill -9", partial(faults.killed, kind))
        if not quick:
            yield Fault(f"{kind}: SIGTERM", partial(faults.ended, kind))
            yield Fault(f"{kind}: frozen past its lease", partial(faults.frozen, kind))
    yield Fault("gateway: op 7 on all shards", faults.asked_to_reconnect)
    yield Fault("node: cordoned", faults.cordoned)


def _outages(faults: Faults, *, quick: bool) -> Iterator[Fault]:
    away, gone = partial(faults.away, "valkey"), partial(faults.away, "postgres", 5)
    if quick:
        yield Fault("Redis: kill -9, back at once", partial(away, 0), alike=False)
    else:
        yield Fault("Redis: kill -9, away for 10 s", partial(away, 10), alike=False)
        yield Fault("PostgreSQL: kill -9, away for 5 s", gone, alike=False)


async def _heard(listening: Listening, faults: Iterable[Fault], found: Found) -> None:
    """Hear one after the other; also say how long each took."""
    for fault in faults:
        heard = await listening.hear(fault.cause, fault.act)
        found.rows.extend(_rows(heard, alike=fault.alike))
        if heard.late:
            found.say(f"{fault.cause}: {heard.late}")


async def _moved(listening: Listening, found: Found, step: float, *, quick: bool) -> None:
    """Drain in calls that are not encrypted end to end, then in ones that are."""
    await listening.demand(Policy.OFF)
    plain = await _drained(listening, 1 if quick else ROUNDS)
    found.rows.extend(_planned("not encrypted", plain, step))
    await listening.demand(Policy.REQUIRED)
    encrypted = await _drained(listening, 1 if quick else ROUNDS)
    found.rows.extend(_planned("encrypted end to end", encrypted, step, beside=plain))


async def _drained(listening: Listening, rounds: int) -> list[Move]:
    """Drain one node after the other, there and back."""
    fleet, found = listening.machine.fleet, list[Move]()
    for _ in range(rounds):
        node = await fleet.node_of(listening.rooms[0])
        found += await listening.moves(node, partial(fleet.drain, node))
        await fleet.uncordon(node)
        await fleet.acted("audio")
    return found


async def _killed(listening: Listening) -> list[Move]:
    """Kill the node that most play on."""
    sit = [await listening.machine.fleet.node_of(room) for room in listening.rooms]
    node = max(set(sit), key=sit.count)
    return await listening.moves(node, listening.machine.parts[node].kill)


def _rows(heard: Heard, *, alike: bool) -> Iterator[Row]:
    beyond = ALIKE_MS if alike else UNBROKEN_MS
    p99 = Row(
        what=f"{heard.cause}: p99",
        figure=heard.p99,
        unit="ms",
        most=heard.control_p99 + ALIKE_P99_MS,
        base=heard.control_p99,
        base_of="control stream",
    )
    yield Row(
        what=f"{heard.cause}: longest gap heard",
        figure=heard.longest,
        unit="ms",
        most=heard.control_longest + beyond,
        base=heard.control_longest,
        base_of="control stream",
        note=(
            f"{heard.breaks} breaks; p99 {heard.p99:.1f} ms, control stream's "
            f"{heard.control_p99:.1f}; as before after {heard.seconds:.1f} s"
        ),
    )
    if p99.missed:
        yield p99


def _planned(
    how: str, moves: Sequence[Move], step: float, *, beside: Sequence[Move] = ()
) -> Iterator[Row]:
    name = f"node drained, {how}, {step * 1000:.0f} ms a voice step"
    yield Row(
        what=f"{name}: gap of a planned move, p99",
        figure=gaps(moves, 0.99),
        unit="ms",
        most=3000 * step + MOVE_MS,
        base=gaps(beside, 0.99) if beside else None,
        base_of="not encrypted",
        note=f"p50 {gaps(moves, 0.5):.0f} ms of {len(moves)} moves",
    )
    skipped = max((one.skipped for one in moves), default=0.0)
    repeated = max((one.repeated for one in moves), default=0.0)
    yield Row(
        what=f"{name}: of the track lost or repeated, worst",
        figure=max(skipped, repeated),
        unit="ms",
        most=LOST_MS,
        note=f"skipped at worst {skipped:.0f} ms, repeated {repeated:.0f} ms",
    )


def _lost(moves: Sequence[Move]) -> Iterator[Row]:
    yield Row(
        what="node: kill -9, its players move: gap, worst",
        figure=max((one.gap for one in moves), default=0.0),
        unit="ms",
        most=SILENCE_MS,
        note=f"p50 {gaps(moves, 0.5):.0f} ms of {len(moves)} players; repeated at worst "
        f"{max((one.repeated for one in moves), default=0):.0f} ms, skipped "
        f"{max((one.skipped for one in moves), default=0):.0f} ms",
    )


BENCHMARK = Benchmark(
    shows="What is heard of each fault, and of players that move to another node.",
    measure=measure,
    limit=240,
    quick_limit=75,
)
