"""A simulated machine room: one true time, processes as generators, a network that misbehaves.

Knows nothing of what is simulated. All chance comes from one seeded source, so that a run can be
repeated from its steps.
"""

import heapq
import random
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

Answer = Any
Work = Generator["Sleep | Call", Answer, Any]


class Unavailable(Exception):
    """No answer in time, or nobody there: whatever was asked may have happened."""


class Gone(Exception):
    """What was asked about is not there."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait, by the process's own clock."""

    ms: float


@dataclass(frozen=True, slots=True)
class Call:
    """Ask a server, and wait for its answer."""

    server: str
    request: tuple[Any, ...]
    timeout: float = 4_000


def quietly(call: Call) -> Work:
    """Ask, and care for no answer."""
    with suppress(Unavailable, Gone):
        yield call


class Server(Protocol):
    """Who answers."""

    def answer(self, caller: str, request: tuple[Any, ...]) -> Answer:
        """Raise Unavailable where it can't be reached, Gone where it knows nothing of it."""


@dataclass
class Network:
    """How messages travel: each by itself, as the mode says."""

    mode: str = "calm"
    cuts: set[tuple[str, str]] = field(default_factory=set)
    """(process, server) that can't reach each other."""

    LATENCY: ClassVar = {
        "calm": (1, 5),
        "slow": (200, 1_500),
        "lossy": (1, 300),
        "wild": (1, 9_000),
    }
    LOSS: ClassVar = {"calm": 0.0, "slow": 0.0, "lossy": 0.25, "wild": 0.1}
    DOUBLE: ClassVar = {"calm": 0.0, "slow": 0.0, "lossy": 0.1, "wild": 0.3}


@dataclass(eq=False)
class Process:
    """One operating system process: its tasks, its clock, whether it runs."""

    name: str
    rate: float = 1.0
    """Of its clock."""
    alive: bool = True
    frozen: bool = False
    due: list[Callable[[], None]] = field(default_factory=list)
    """What came up while it was frozen."""
    held: list[Callable[[], None]] = field(default_factory=list)
    """What it was about to send when it was frozen."""
    frozen_at: int = 0


@dataclass(eq=False)
class Task:
    """One thread of work of a process."""

    process: Process
    work: Work
    alive: bool = True
    turn: int = 0
    """What it waits for; an answer to an older wait means nothing."""

    def kill(self) -> None:
        if self.alive:
            self.alive = False
            self.work.close()


class Sim:
    """True time in ms, and what happens when."""

    def __init__(self, seed: int) -> None:
        self.now = 0
        self.random = random.Random(seed)
        self.network = Network()
        self.servers: dict[str, Server] = {}
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, when: float, happen: Callable[[], None]) -> None:
        """Let something happen."""
        self._number += 1
        heapq.heappush(self._queue, (max(self.now, round(when)), self._number, happen))

    def run(self, ms: int) -> None:
        """Let time pass."""
        end = self.now + ms
        while self._queue and self._queue[0][0] <= end:
            self.now, _, happen = heapq.heappop(self._queue)
            happen()
        self.now = end

    # Processes.

    def clock(self, process: Process) -> float:
        """Read a process's monotonic clock, ms; it stands for nothing but differences."""
        return 5_000_000 + self.now * process.rate

    def spawn(self, process: Process, work: Work) -> Task:
        task = Task(process, work)
        self.at(self.now, lambda: self._resume(task, task.turn, None, None))
        return task

    def freeze(self, process: Process) -> None:
        process.frozen, process.frozen_at = True, self.now

    def thaw(self, process: Process) -> None:
        process.frozen = False
        for happen in (*process.held, *process.due):
            self.at(self.now, happen)
        process.held, process.due = [], []

    def _inside(self, process: Process, happen: Callable[[], None]) -> None:
        """Let something happen in a process: later, where it is frozen."""
        if process.frozen:
            process.due.append(happen)
        elif process.alive:
            happen()

    def _resume(self, task: Task, turn: int, answer: Answer, error: Exception | None) -> None:
        def go_on() -> None:
            if not task.alive or not task.process.alive or task.turn != turn:
                return
            task.turn += 1
            try:
                wanted = task.work.throw(error) if error else task.work.send(answer)
            except StopIteration:
                task.alive = False
                return
            self._wait(task, wanted)

        self._inside(task.process, go_on)

    def _wait(self, task: Task, wanted: Sleep | Call) -> None:
        turn, rate = task.turn, task.process.rate
        match wanted:
            case Sleep(ms):
                self.at(self.now + ms / rate, lambda: self._resume(task, turn, None, None))
            case Call(_, _, timeout):
                self.at(
                    self.now + timeout / rate,
                    lambda: self._resume(task, turn, None, Unavailable("no answer in time")),
                )
                self._send(task, turn, wanted)

    # The network.

    def _send(self, task: Task, turn: int, call: Call) -> None:
        may_double = call.server == "redis"
        twice = may_double and self._chance(Network.DOUBLE)
        for copy in range(2 if twice else 1):
            if self._chance(Network.LOSS):
                continue
            self._travel(task, turn, call, is_copy=copy > 0)

    def _travel(self, task: Task, turn: int, call: Call, *, is_copy: bool) -> None:
        process = task.process

        def arrive() -> None:
            if process.frozen and self.now - process.frozen_at < 50 and not is_copy:
                process.held.append(arrive)  # it was checked, and not yet sent
                return
            if (process.name, call.server) in self.network.cuts:
                return
            if call.server != "redis" and (task.turn != turn or not task.alive):
                return  # its caller closed the connection: only Redis reads what lies there
            try:
                answer = self.servers[call.server].answer(process.name, call.request)
            except (Unavailable, Gone) as error:
                self._back(task, turn, None, error)
            else:
                self._back(task, turn, answer, None)

        self.at(self.now + self._latency(call), arrive)

    def _back(self, task: Task, turn: int, answer: Answer, error: Exception | None) -> None:
        if not self._chance(Network.LOSS):
            low, high = Network.LATENCY[self.network.mode]
            delay = self.random.randint(low, min(high, 3_000))
            self.at(self.now + delay, lambda: self._resume(task, turn, answer, error))

    def _latency(self, call: Call) -> int:
        low, high = Network.LATENCY[self.network.mode]
        return self.random.randint(low, high if call.server == "redis" else min(high, 2_000))

    def _chance(self, table: dict[str, float]) -> bool:
        odds = table[self.network.mode]
        return odds > 0 and self.random.random() < odds
