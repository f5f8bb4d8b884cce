"""What is heard of each fault: the longest gap between packets, beside the control stream's.

Some guilds play all the while, on two nodes, with two audio workers and two gateways. Planned moves
and lost nodes are counted per player that moved. `takeovers` hears who is killed or ended in order.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks import platform
from benchmarks.measured import Benchmark, Measured, Row, percentile
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_simulator.listener import Report

STAGE = Stage(
    nodes=2,
    audio=2,
    gateway=2,
    settings={"SHARDS": "2", "MEMBER_READY_AFTER": "1s"},
    discord={
        **platform.UNOBSERVED.discord,
        "SIMULATOR_SHARDS": "2",
        "SIMULATOR_MAX_CONCURRENCY": "2",
    },
)
ROOMS, QUICK_ROOMS = 6, 3
AFTER = 2.0
"""Seconds that are listened on when a fault is over."""
FROZEN = 13.0
"""Longer than a lease."""
BEYOND_CONTROL_MS, MOVE_MS, LOST_MS, SILENCE_MS = 200.0, 60.0, 40.0, 3000.0
"""Three voice round trips of a move are under a millisecond on one machine."""
Act = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of one fault."""

    cause: str
    longest: float
    """ms, the worst of all guilds."""
    p99: float
    control_longest: float
    control_p99: float
    breaks: int


@dataclass(frozen=True, slots=True)
class Move:
    """What was heard of one player's move to another node."""

    gap: float
    skipped: float
    repeated: float


@dataclass(slots=True)
class Listening:
    """Guilds that play, and who hears them."""

    machine: Machine
    rooms: Sequence[Room]

    @classmethod
    async def begin(cls, machine: Machine, rooms: int) -> "Listening":
        """Let them play."""
        await machine.voice.voice_control_start()
        found = []
        for number in range(rooms):
            room = await machine.room(f"listens {number}")
            await room.play("tone-7-600s.ogg")
            await room.hears(7, after=1000)
            found.append(room)
        await machine.fleet.balanced("audio", 2)
        return cls(machine, found)

    async def hear(self, cause: str, act: Act) -> Heard:
        """Bring a fault about, and listen until it is over and a little longer."""
        began = time.monotonic()
        await act()
        await asyncio.sleep(AFTER)
        reports = [await self._report(room, began) for room in self.rooms]
        control = await self.machine.voice.voice_control(since=began)
        return Heard(
            cause=cause,
            longest=max(one.longest_silence_ms for one in reports),
            p99=max(_p99(one) for one in reports),
            control_longest=control.worst_gap_ms if control else 0.0,
            control_p99=_p99(control) if control else 0.0,
            breaks=sum(one.breaks + len(one.epochs) - 1 for one in reports),
        )

    async def moves(self, node: str, act: Act, over: Callable[[], Awaitable[bool]]) -> list[Move]:
        """Move what plays on a node, and listen to each of it."""
        sat = [room for room in self.rooms if await self.machine.fleet.node_of(room) == node]
        began = time.monotonic()
        await act()
        await until(over, what=f"{node} is left", timeout=30)
        for room in sat:
            await room.sounds(since=time.monotonic())
        await asyncio.sleep(AFTER)
        return [await self._move(room, began) for room in sat]

    async def _move(self, room: Room, began: float) -> Move:
        report = await self._report(room, began)
        analysis = (await room.moments(since=began)).analysis
        return Move(report.longest_silence_ms, analysis.skipped_ms, analysis.repeated_ms)

    async def _report(self, room: Room, began: float) -> Report:
        report = await room.report(since=began)
        if report is None:
            raise RuntimeError(f"{room.guild.name} was never heard")
        return report


def _p99(report: Report) -> float:
    return max((one.continuity.gaps.p99_ms for one in report.epochs), default=0.0)


class Faults:
    """What can befall the parts of a machine."""

    def __init__(self, machine: Machine, room: Room) -> None:
        self._machine = machine
        self._room = room

    async def frozen(self, kind: str) -> None:
        """Freeze who serves the room for longer than its lease."""
        part = self._machine.parts[await self._machine.fleet.owner_of(self._room, kind)]
        part.freeze()
        await asyncio.sleep(FROZEN)
        part.thaw()
        if not part.running:
            await self._machine.restart_dead(part.name)
        await self._balanced(kind)

    async def away(self, server: str, seconds: float) -> None:
        """Kill a server, and start it again later."""
        await self._machine.parts[server].kill()
        await asyncio.sleep(seconds)
        await self._machine.start(server)
        await asyncio.sleep(AFTER)

    async def _balanced(self, kind: str) -> None:
        if kind == "audio":
            await self._machine.fleet.balanced("audio", 2)


async def measure(quick: bool) -> Measured:
    """Go through the faults on one running platform."""
    async with platform.running(STAGE) as machine:
        listening = await Listening.begin(machine, QUICK_ROOMS if quick else ROOMS)
        faults = Faults(machine, listening.rooms[0])
        heard = [await listening.hear(name, act) for name, act in _causes(faults, quick=quick)]
        planned = await _drained(listening, rounds=1 if quick else 4)
        lost = await _killed(listening)
    rows = [row for one in heard for row in _rows(one)]
    return Measured(rows=(*rows, *_planned(planned), *_lost(lost)))


def _causes(faults: Faults, *, quick: bool) -> Iterator[tuple[str, Act]]:
    yield "Valkey: kill -9 and back at once", partial(faults.away, "valkey", 0)
    if quick:
        return
    yield "Valkey: away for 10 s", partial(faults.away, "valkey", 10)
    yield "PostgreSQL: kill -9 and away for 5 s", partial(faults.away, "postgres", 5)
    for kind in ("audio", "gateway"):
        yield f"{kind}: frozen past its lease", partial(faults.frozen, kind)


async def _drained(listening: Listening, *, rounds: int) -> list[Move]:
    """Drain one node after the other, there and back."""
    machine, found = listening.machine, list[Move]()
    for number in range(rounds):
        node = f"node-{1 + number % 2}"

        async def empty(node: str = node) -> bool:
            return (await machine.fleet.node(node)).players == 0

        async def drain(node: str = node) -> None:
            await machine.fleet.drain(node)

        found += await listening.moves(node, drain, empty)
        await machine.fleet.uncordon(node)
        await machine.fleet.acted("audio")
    return found


async def _killed(listening: Listening) -> list[Move]:
    """Kill the node that most play on."""
    machine = listening.machine
    sit = [await machine.fleet.node_of(room) for room in listening.rooms]
    node = max(set(sit), key=sit.count)

    async def left() -> bool:
        return node not in [await machine.fleet.node_of(room) for room in listening.rooms]

    return await listening.moves(node, machine.parts[node].kill, left)


def _rows(heard: Heard) -> Iterator[Row]:
    yield Row(
        what=f"{heard.cause}: longest gap heard",
        figure=heard.longest,
        unit="ms",
        most=heard.control_longest + BEYOND_CONTROL_MS,
        base=heard.control_longest,
        base_of="control stream",
        note=f"p99 {heard.p99:.1f} ms, control stream's {heard.control_p99:.1f} ms; "
        f"{heard.breaks} breaks",
    )


def _planned(moves: list[Move]) -> Iterator[Row]:
    gaps = [one.gap for one in moves]
    yield Row(
        what="node drained, planned move: gap, p99",
        figure=percentile(gaps, 0.99),
        unit="ms",
        most=MOVE_MS,
        note=f"p50 {percentile(gaps, 0.5):.0f} ms of {len(moves)} moves",
    )
    yield Row(
        what="node drained, planned move: of the track lost or repeated, worst",
        figure=max((max(one.skipped, one.repeated) for one in moves), default=0.0),
        unit="ms",
        most=LOST_MS,
        note=f"skipped at worst {max((one.skipped for one in moves), default=0):.0f} ms",
    )


def _lost(moves: list[Move]) -> Iterator[Row]:
    gaps = [one.gap for one in moves]
    yield Row(
        what="node: kill -9, its players move: gap, worst",
        figure=max(gaps, default=0.0),
        unit="ms",
        most=SILENCE_MS,
        note=f"p50 {percentile(gaps, 0.5):.0f} ms of {len(moves)} players; repeated at worst "
        f"{max((one.repeated for one in moves), default=0):.0f} ms, skipped "
        f"{max((one.skipped for one in moves), default=0):.0f} ms",
    )


BENCHMARK = Benchmark(
    shows=(
        "What is heard when a process is frozen, a server goes away, or players move to another "
        "node."
    ),
    measure=measure,
    limit=150,
    quick_limit=70,
)
