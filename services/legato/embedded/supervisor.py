"""Starts parts, says when each is ready, restarts those that crash, stops them layer by layer.

Knows no part in particular: PostgreSQL, a node and the services are all the same to it.
"""

import asyncio
import dataclasses
import pathlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Protocol

from legato import faults
from legato.embedded import aside, leftovers
from legato.embedded.child import TICK, Child, Program
from legato.embedded.problems import Problem, StartFailed

FIRST_DELAY = timedelta(seconds=0.5)
LONGEST_DELAY = timedelta(seconds=30)
STEADY = timedelta(seconds=60)
"""A part that ran for so long has recovered: its next crash is its first again."""
LONG = timedelta(seconds=30)
"""A part that takes longer to start is spoken of."""
MOST_PATIENCE = 4
"""So many times its patience a part has at most, after tries that took too long."""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One program of the whole, and how to tell that it is ready."""

    name: str
    title: str
    """As it is shown."""
    prepare: Callable[[], Program]
    """Blocking; called in a thread before each start."""
    is_ready: Callable[[], bool]
    """Blocking but short; called in a thread; may raise a Problem."""
    where: Callable[[], str] = str
    """What to show beside it once it is ready: an address."""
    patience: timedelta = timedelta(minutes=3)
    """How long it may take until it is ready while it runs; longer with each try that failed."""
    explain: Callable[[str], Problem | None] = lambda _: None
    """From a failed start's last words to a clear sentence, where there is one."""
    mourn: Callable[[], Awaitable[None]] | None = None
    """What to clean up outside when it died, before it is started again."""
    abandon: Callable[[], None] = lambda: None
    """How to cut its preparation short, when it is stopped before it was started."""
    endings: Mapping[int, str] = dataclasses.field(default_factory=dict)
    """What its own exit codes say, as a sentence goes on."""
    layer: int = 0
    """Higher layers need the lower ones, and so are stopped before them."""


class Report(Protocol):
    """Who tells a person what happens."""

    def ready(self, title: str, took: timedelta, where: str) -> None:
        """Tell that a part is up."""

    def slow(self, title: str) -> None:
        """Tell that a part runs, but takes long to be ready."""

    def crashed(self, title: str, code: int, delay: timedelta, why: str = "") -> None:
        """Tell that a part died, why if that is known, and when it will be started again."""

    def failing(self, title: str, problem: str, delay: timedelta) -> None:
        """Tell that a part could not be started again, and when the next try is."""


@dataclasses.dataclass(slots=True)
class Running:
    """A part and its present child."""

    part: Part
    child: Child | None = None
    """None until it was started for the first time."""
    too_late: int = 0
    """Tries in a row that were given up though it ran."""

    @property
    def patience(self) -> timedelta:
        """Say how long this try may take."""
        return self.part.patience * min(1 + self.too_late, MOST_PATIENCE)


class Supervisor:
    """The parts of one `legato up`, in the order they were started."""

    def __init__(self, notes: pathlib.Path, report: Report) -> None:
        self._notes = notes
        self._report = report
        self._running: list[Running] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._stopping = False

    async def start(self, *parts: Part) -> None:
        """Start parts side by side until all are ready; raises the Problem of one that fails."""
        added = [Running(part) for part in parts]
        self._running.extend(added)
        try:
            async with asyncio.TaskGroup() as group:
                for running in added:
                    self._add(group, self._bring_up(running), f"start {running.part.name}")
        except* Problem as problems:
            first = next(faults.leaves(problems))
            raise first from None

    async def watch(self) -> None:
        """Restart what dies, for ever."""
        async with asyncio.TaskGroup() as group:
            for running in self._running:
                self._add(group, self._keep(running), f"keep {running.part.name}")

    def give_up(self) -> None:
        """Start nothing from now on, and break off what is being started.

        To be called again until it is done: a library may swallow a cancellation, and a TaskGroup
        hands on only the first.
        """
        self._stopping = True
        for task in self._tasks:
            task.cancel()

    async def stop(self, *, told: Callable[[str], None] = lambda _: None) -> None:
        """Stop the parts, layer by layer, those of one layer side by side."""
        self._stopping = True
        for running in self._running:
            if running.child is None:
                running.part.abandon()
        started = [running for running in self._running if running.child is not None]
        for layer in sorted({running.part.layer for running in started}, reverse=True):
            of_layer = [running for running in reversed(started) if running.part.layer == layer]
            await asyncio.gather(*(self._end(running, told) for running in of_layer))

    async def _end(self, running: Running, told: Callable[[str], None]) -> None:
        if running.child is None:
            return
        if running.child.code is None:
            told(running.part.title)
        await running.child.stop()
        leftovers.strike(self._notes, running.part.name)

    def _add(
        self, group: asyncio.TaskGroup, work: Coroutine[None, None, object], name: str
    ) -> None:
        task = group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def kill(self) -> None:
        """End everything at once."""
        self._stopping = True
        for running in self._running:
            if running.child:
                running.child.kill()

    async def _bring_up(self, running: Running) -> Child:
        part = running.part
        began = time.monotonic()
        program = await _prepared(part)
        if self._stopping:
            raise StartFailed(f"{part.title} is not started any more.")
        running.child = child = Child.start(program)
        leftovers.note(self._notes, child)
        await self._wait_until_ready(running, child)
        running.too_late = 0
        self._report.ready(part.title, _since(began), part.where())
        return child

    async def _wait_until_ready(self, running: Running, child: Child) -> None:
        part, began, told = running.part, time.monotonic(), False
        while not await aside.call(part.is_ready):
            if child.code is not None:
                words = child.last_words()
                raise part.explain(words) or StartFailed(_sentence(part, child, words))
            if _since(began) > running.patience:
                within = running.patience / timedelta(seconds=1)
                running.too_late += 1
                raise StartFailed(f"{part.title} is not ready after {within:.0f} s. {_told(child)}")
            if not told and _since(began) > LONG:
                self._report.slow(part.title)
                told = True
            await asyncio.sleep(TICK)

    async def _keep(self, running: Running) -> None:
        delay = FIRST_DELAY
        while child := running.child:
            code = await child.wait()
            if self._stopping:
                return
            child.kill()
            if _since(child.started_at) > STEADY:
                delay = FIRST_DELAY
            why = running.part.endings.get(code, "")
            self._report.crashed(running.part.title, code, delay, why)
            delay = await self._revive(running, delay)

    async def _revive(self, running: Running, delay: timedelta) -> timedelta:
        """Start a dead part again, however often it takes; return the next crash's delay."""
        while not self._stopping:
            if running.part.mourn:
                await running.part.mourn()
            await asyncio.sleep(delay.total_seconds())
            delay = min(delay * 2, LONGEST_DELAY)
            try:
                await self._bring_up(running)
            except (Problem, OSError) as error:
                if running.child:
                    await running.child.stop()
                self._report.failing(running.part.title, str(error), delay)
            else:
                return delay
        return delay


async def _prepared(part: Part) -> Program:
    """Prepare a part; whatever the disk or a helper program says becomes a sentence."""
    try:
        return await aside.call(part.prepare)
    except StartFailed as error:
        raise part.explain(str(error)) or error from error
    except OSError as error:
        said = f"{part.title} can't be prepared: {error}"
        raise part.explain(said) or StartFailed(said) from error


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)


def _sentence(part: Part, child: Child, words: str) -> str:
    end = words.splitlines()[-1] if words else "it said nothing"
    return f"{part.title} did not start: {end}\n{_told(child)}"


def _told(child: Child) -> str:
    """Name its log, if there is anything in it."""
    log = child.program.log
    return f"Its log: {log}" if log.stat().st_size else "It has written nothing to its log."
