"""Effects after their commit: in order per guild and kind of target, again until they succeed.

Knows no effect's doing. What is left when the owner ends stays in the books, and the next owner
runs it. A lane is one guild's way to one target, so that a slow database never holds up the music.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import structlog

from legato.audio.effects import (
    Audit,
    Effect,
    Note,
    Record,
    Resolve,
    SaveQueue,
    SaveSettings,
    SyncNode,
    Tell,
    outbox_key,
)
from legato.errors import Unavailable

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

Target = Literal["node", "shard", "store"] | str
Outcome = Literal["done", "late", "failed"]

TOKEN_LIFE = 15 * 60_000
"""An interaction can be answered for so long: discord.com/developers/docs, interactions."""
MOST_RECORDS = 100
"""Of one guild's history, and of its deeds, that wait to be written; the oldest are forgotten."""
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


def target(effect: Effect) -> Target:
    """Name what an effect is aimed at."""
    match effect:
        case SyncNode():
            return "node"
        case SaveQueue() | SaveSettings() | Record() | Note() | Audit():
            return "store"
        case Resolve(slot=slot):
            return f"resolve:{slot}"
        case _:
            return "shard"


def deadline(effect: Effect) -> int | None:
    """Say until when a one-shot effect makes sense, server ms; None: for ever."""
    match effect:
        case Tell(origin=origin) if origin.source != "api":
            return origin.received_at + TOKEN_LIFE
        case Resolve(deadline=until):
            return until
        case _:
            return None


@dataclass(slots=True)
class _Lane:
    """One guild's way to one target."""

    todo: dict[str, Effect] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Outbox:
    """The effects of one partition that are still to do."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        run: Callable[[int, Effect, str], Awaitable[None]],
        settled: Callable[[int, str, Effect, Outcome], None],
        now: Callable[[], int],
    ) -> None:
        """`run` gets guild, effect and traceparent; Unavailable from it means later."""
        self._tasks = tasks
        self._run = run
        self._settled = settled
        self._now = now
        self._lanes: dict[int, dict[Target, _Lane]] = {}

    def put(self, guild_id: int, effects: Iterable[Effect], *, trace: str = "") -> None:
        """Do these, in order; one of the same key replaces an older one."""
        for effect in effects:
            kind, key = target(effect), outbox_key(effect)
            lane = self._lanes.setdefault(guild_id, {}).setdefault(kind, _Lane())
            lane.todo.pop(key, None)
            lane.todo[key] = effect
            lane.traces[key] = trace
            lane.wake.set()
            if isinstance(effect, Record | Audit):
                self._forget_oldest(guild_id, lane, type(effect))
            if lane.task is None:
                lane.task = self._tasks.create_task(self._work(guild_id, kind, lane))

    def _forget_oldest(self, guild_id: int, lane: _Lane, kind: type[Effect]) -> None:
        """Let no outage of PostgreSQL fill the books with what is past."""
        records = [key for key, effect in lane.todo.items() if isinstance(effect, kind)]
        for key in records[:-MOST_RECORDS]:
            self._settled(guild_id, key, lane.todo.pop(key), "late")
            lane.traces.pop(key, None)

    def nudge(self, guilds: Iterable[int], kind: Target) -> None:
        """Try again at once what waits for a target that is back."""
        for guild_id in guilds:
            if lane := self._lanes.get(guild_id, {}).get(kind):
                lane.wake.set()

    def nudge_all(self) -> None:
        """Try again at once whatever waits."""
        for lane in self._all():
            lane.wake.set()

    def waiting(self, guild_id: int, effect: Effect) -> Effect | None:
        """Return what an effect would replace."""
        lane = self._lanes.get(guild_id, {}).get(target(effect))
        return lane.todo.get(outbox_key(effect)) if lane else None

    def has(self, guild_id: int, key: str) -> bool:
        """Tell whether an effect is still to do."""
        return any(key in lane.todo for lane in self._lanes.get(guild_id, {}).values())

    def left(self, guild_id: int) -> Mapping[str, Effect]:
        """Return a guild's effects that are still to do."""
        return {
            key: effect
            for lane in self._lanes.get(guild_id, {}).values()
            for key, effect in lane.todo.items()
        }

    def __len__(self) -> int:
        return sum(len(lane.todo) for lane in self._all())

    def close(self) -> None:
        """Stop; what is not done stays in the books."""
        for lane in self._all():
            if lane.task is not None:
                lane.task.cancel()

    def _all(self) -> Iterable[_Lane]:
        return (lane for lanes in self._lanes.values() for lane in lanes.values())

    async def _work(self, guild_id: int, kind: Target, lane: _Lane) -> None:
        pause = FIRST_PAUSE
        while lane.todo:
            key, effect = next(iter(lane.todo.items()))
            outcome = await self._try(guild_id, effect, lane.traces.get(key, ""))
            if outcome is None:
                await _wait(lane.wake, pause)
                pause = min(LONGEST_PAUSE, pause * 2)
                continue
            pause = FIRST_PAUSE
            if lane.todo.get(key) is effect:
                del lane.todo[key]
                lane.traces.pop(key, None)
            self._settled(guild_id, key, effect, outcome)
        lane.task = None
        lanes = self._lanes[guild_id]
        del lanes[kind]
        if not lanes:
            del self._lanes[guild_id]

    async def _try(self, guild_id: int, effect: Effect, trace: str) -> Outcome | None:
        """Run one; None: later."""
        name = type(effect).__name__
        until = deadline(effect)
        try:
            await self._run(guild_id, effect, trace)
        except Unavailable as error:
            if until is None or self._now() < until:
                log.debug("effect waits", effect=name, guild=guild_id, why=str(error))
                return None
            log.warning("effect too late", effect=name, guild=guild_id, why=str(error))
            return "late"
        except Exception:  # an edge: one guild's fault is not the others'
            log.exception("effect failed", effect=name, guild=guild_id)
            return "failed"
        return "done"


async def _wait(wake: asyncio.Event, pause: float) -> None:
    wake.clear()
    spread = pause * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, guards nothing
    try:
        async with asyncio.timeout(spread):
            await wake.wait()
    except TimeoutError:
        return
