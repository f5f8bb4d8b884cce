"""Holding what this process should hold: leases taken, renewed and given up, one loop each.

Knows neither what a lease is for (the port starts and stops it) nor how owners are chosen
(`rendezvous`), nor what moves next (`protocol.moves`).
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

import structlog

from legato import rendezvous
from legato.contracts.fleet import Directive
from legato.contracts.keys import Owned
from legato.errors import Unavailable
from legato.leases import ISOLATION, Held, Lease, Leases
from legato.members import READY_AFTER, Members, Roll, Stay, assembles_in, eligible
from legato.permits import Permits
from legato.protocol import moves
from legato.protocol.lease import alone_for
from legato.protocol.moves import SETTLE
from legato.watchdog import Watchdog

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

Reason = Literal["moved", "lost", "stopping"]
"""Why a thing stops being ours: given to another, taken by another, or this process ends."""

BEAT = timedelta(milliseconds=100)
RETRY = timedelta(milliseconds=250)
"""While a thing that should be ours is still another's."""


class Port(Protocol):
    """What owning a thing means."""

    async def start(self, lease: Lease) -> None:
        """Begin to own; when it raises, the lease is released and tried again."""

    async def stop(self, lease: Lease, *, reason: Reason) -> None:
        """End: nothing of the thing runs after it; on "lost" nothing more may be written."""

    def load(self, what: Owned) -> int:
        """Count who depends on it now: hand-overs are ordered by that."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast things move between members."""

    moves: int = 2
    """At most so many at once."""
    ready_after: timedelta = READY_AFTER
    settle: timedelta = SETTLE
    """Nothing is given away within this time of an outage of Redis."""
    watch: bool = False
    """End the process when its event loop stalls past a lease; for a process of ours alone."""
    isolation: timedelta = ISOLATION
    """How long what is held is driven on while Redis is out of reach."""


@dataclass(frozen=True, slots=True)
class Steering:
    """What the operator, or the supervisor of one machine, says about moving."""

    directive: Callable[[], Directive]
    """The newest that was read."""
    permits: Permits


class Holder:
    """The things of one service that this process owns."""

    def __init__(
        self,
        leases: Leases,
        members: Members,
        things: Iterable[Owned],
        port: Port,
        *,
        pace: Pace | None = None,
        steering: Steering | None = None,
    ) -> None:
        """Take every thing there is to own; its share of them follows from the roll.

        Without steering all members weigh the same, and things move without permits.
        """
        self._leases = leases
        self._members = members
        self._things = tuple(things)
        self._port = port
        self._pace = pace or Pace()
        self._steering = steering
        self._held: dict[Owned, Lease] = {}
        self._owners: Mapping[Owned, str] = {}
        self._steady = timedelta(0)
        self._stay = Stay()
        self._alive = 1
        self._looked = 0.0
        self._owners_first = False
        self._known: dict[Owned, float] = {}
        self._moving: dict[Owned, asyncio.Task[None]] = {}
        self._starting: set[asyncio.Task[None]] = set()
        self._put_off: set[Owned] = set()
        self._asked: set[Owned] = set()
        self._has_permits = True
        self._stopping = False
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._locks = {thing: asyncio.Lock() for thing in self._things}

    def lease(self, what: Owned) -> Lease | None:
        """Return the lease as last renewed; None where the thing is not ours."""
        return self._held.get(what)

    @property
    def alive(self) -> int:
        """Count the members that lived when the roll was last read."""
        return self._alive

    @property
    def held(self) -> tuple[Owned, ...]:
        """Name what is ours now."""
        return tuple(self._held)

    async def settled(self) -> None:
        """Wait until all that should be ours was asked for once."""
        await self._settled.wait()

    async def run(self, stop: asyncio.Event) -> None:
        """Hold what should be ours until told to stop, then give all of it up in order."""
        async with asyncio.TaskGroup() as tasks:
            living = tasks.create_task(self._show_life()) if self._pace.watch else None
            renewing = tasks.create_task(self._renew_all(tasks))
            moving = tasks.create_task(self._move_all(tasks))
            await stop.wait()
            moving.cancel()
            await self._give_all(tasks)
            renewing.cancel()
            if living is not None:
                living.cancel()

    async def _show_life(self) -> None:
        """Tell the watchdog that the event loop runs; it ends the process where it doesn't."""
        with Watchdog(lambda: tuple(self._held.values())) as watchdog:
            while True:
                watchdog.beat()
                await asyncio.sleep(BEAT.total_seconds())

    # What is ours stays ours.

    async def _renew_all(self, tasks: asyncio.TaskGroup) -> None:
        """Keep every lease fresh; nothing slow may stand in this loop."""
        while True:
            begun = time.monotonic()
            try:
                await self._look()
                await self._renew_held(tasks)
            except Unavailable as error:
                log.warning("leases not renewed", why=str(error), held=len(self._held))
                self._miss(begun)
            self._wake.set()
            spent = time.monotonic() - begun
            await asyncio.sleep(max(0.0, self._leases.every.total_seconds() - spent))

    async def _look(self) -> Roll:
        """Read the roll, and derive who should own what."""
        roll = await self._members.beat(weight=self._weight(), draining=self._stopping)
        self._note(await self._leases.steady())
        self._alive = roll.alive(within=self._members.ttl)
        self._looked = time.monotonic()
        self._stay = self._stay.seen(roll, self._members.name, now=self._looked)
        self._owners = rendezvous.assign(self._things, self._eligible(roll))
        return roll

    def _eligible(self, roll: Roll) -> Mapping[str, float]:
        return eligible(roll, ready_after=self._pace.ready_after, alive_within=self._members.ttl)

    def _note(self, steady: timedelta) -> None:
        """Leave a lease's life to owners after a gap, be it that Redis was emptied."""
        if steady < self._steady:
            self._owners_first = True
        elif steady >= self._leases.ttl:
            self._owners_first = False
        self._steady = steady

    def _weight(self) -> float:
        return self._steering.directive().weight(self._members.name) if self._steering else 1.0

    async def _renew_held(self, tasks: asyncio.TaskGroup) -> None:
        """Renew all at once: one after the other they would outlast a TTL where Redis is slow."""
        renewing = [self._renew(lease, tasks) for lease in list(self._held.values())]
        for problem in await asyncio.gather(*renewing, return_exceptions=True):
            if problem is not None:
                raise problem

    async def _renew(self, lease: Lease, tasks: asyncio.TaskGroup) -> None:
        renewed = await self._leases.renew(lease)
        if self._held.get(lease.what) is not lease:
            return
        if renewed is None:
            del self._held[lease.what]
            log.warning("lease lost", thing=str(lease.what), epoch=lease.epoch)
            tasks.create_task(self._lose(lease))
        else:
            self._held[lease.what] = renewed

    def _miss(self, begun: float) -> None:
        """Drive on alone up to the next attempt, which may come as late as a call that hangs."""
        within, isolation = alone_for(self._leases.ttl, self._leases.every), self._pace.isolation
        for what, lease in self._held.items():
            self._held[what] = lease.missed(begun=begun, within=within, isolation=isolation)

    async def _lose(self, lease: Lease) -> None:
        async with self._locks[lease.what]:
            await self._end(lease, "lost")

    async def _end(self, lease: Lease, reason: Reason) -> None:
        try:
            await self._port.stop(lease, reason=reason)
        except Exception:  # an edge: what ends badly ends nothing else that is held
            log.exception("could not stop in order", thing=str(lease.what), reason=reason)

    # What is not yet where it should be.

    async def _move_all(self, tasks: asyncio.TaskGroup) -> None:
        """Begin what is to be begun, whenever something may have changed."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._begin(tasks)
            mine = (what for what, owner in self._owners.items() if owner == self._members.name)
            if self._owners and self._asked.issuperset(mine):
                self._settled.set()

    def _begin(self, tasks: asyncio.TaskGroup) -> None:
        limits = moves.Limits(moves=self._pace.moves, settle=self._pace.settle)
        for move in moves.plan(self._view(), limits):
            self._moving[move.what] = tasks.create_task(self._move(move))

    def _view(self) -> moves.View[Owned]:
        # What was seen before a freeze may not be so any more.
        is_fresh = time.monotonic() - self._looked < self._leases.ttl.total_seconds()
        return moves.View(
            me=self._members.name,
            owners=self._owners if is_fresh else {},
            held=frozenset(self._held),
            moving=frozenset(self._moving),
            put_off=frozenset(self._put_off),
            steady=self._steady,
            owners_first=self._owners_first,
            has_permits=self._has_permits,
            stopping=self._stopping,
            load={what: self._port.load(what) for what in self._held},
        )

    async def _move(self, move: moves.Move[Owned]) -> None:
        log.debug("moves", thing=str(move.what), kind=move.kind, why=move.reason)
        try:
            async with self._locks[move.what]:
                if move.kind == "take":
                    await self._take(move.what)
                elif not move.needs_permit or await self._permitted(move.what):
                    await self._give(move.what, "stopping" if self._stopping else "moved")
        finally:
            del self._moving[move.what]
            self._asked.add(move.what)
            self._wake.set()

    async def _take(self, what: Owned) -> None:
        now = time.monotonic()
        try:
            found = await self._leases.acquire(what, unknown=self._may_found(what, now=now))
        except Unavailable as error:
            log.warning("lease not taken", thing=str(what), why=str(error))
            self._later(what, self._leases.every)
            return
        if isinstance(found, Held):
            if found.owner:
                self._known[what] = now
            self._later(what, RETRY)
            return
        self._held[what] = found
        if not self._stopping:
            await self._start(found)

    def _may_found(self, what: Owned, *, now: float) -> bool:
        """Tell whether what Redis does not know is nobody's: else its owner takes it again.

        Not where Redis knew it a moment ago, nor before owners had time to say that they live.
        """
        ttl = self._leases.ttl.total_seconds()
        assembled = assembles_in(self._pace.ready_after, self._leases.every)
        forgotten = now - self._known.get(what, -ttl) < ttl
        return not forgotten and self._stay.lasts(assembled, now=now)

    async def _start(self, lease: Lease) -> None:
        try:
            with self._being_started():
                await self._port.start(lease)
        except Exception:
            log.exception("could not start what is ours now", thing=str(lease.what))
            await self._release(self._held.pop(lease.what, lease))
            self._later(lease.what, self._leases.every)
            return
        log.info("ours now", thing=str(lease.what), epoch=lease.epoch)
        await self._have(lease.what)

    @contextmanager
    def _being_started(self) -> Iterator[None]:
        """Let the end of this process cut it short; nothing else is cut."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("things are started by tasks")
        self._starting.add(task)
        try:
            yield
        finally:
            self._starting.discard(task)

    async def _have(self, what: Owned) -> None:
        """End the hand-over, if it came by one."""
        if self._steering is None:
            return
        try:
            await self._steering.permits.give_back(what)
        except Unavailable as error:
            log.warning("permit not given back", thing=str(what), why=str(error))

    async def _permitted(self, what: Owned) -> bool:
        if self._steering is None:
            return True
        permits, said = self._steering.permits, self._steering.directive()
        try:
            if await permits.take(what, most=said.most_handovers(permits.roll)):
                return True
        except Unavailable as error:
            log.warning("no permit", thing=str(what), why=str(error))
        self._has_permits = False
        asyncio.get_running_loop().call_later(RETRY.total_seconds(), self._ask_again)
        return False

    def _ask_again(self) -> None:
        self._has_permits = True
        self._wake.set()

    def _later(self, what: Owned, after: timedelta) -> None:
        """Leave a thing as it is for a while."""

        def again() -> None:
            self._put_off.discard(what)
            self._wake.set()

        self._put_off.add(what)
        asyncio.get_running_loop().call_later(after.total_seconds(), again)

    async def _give(self, what: Owned, reason: Reason) -> None:
        lease = self._held.get(what)
        if lease is None:
            return
        await self._end(lease, reason)
        await self._release(self._held.pop(what, lease))
        log.info("no longer ours", thing=str(what), reason=reason)

    async def _release(self, lease: Lease) -> None:
        try:
            await self._leases.release(lease)
        except Unavailable as error:
            log.warning("lease not released", thing=str(lease.what), why=str(error))

    async def _announce(self) -> None:
        """Say that this process ends, and hold all until those who may follow it have heard.

        Else a thing is nobody's until they look, once a renewal: who asks a gateway has 3 s.
        """
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout((self._leases.every + RETRY).total_seconds()):
                roll = await self._look()
                since = roll.now
                while not roll.heard(self._eligible(roll), since=since):
                    await asyncio.sleep(BEAT.total_seconds())
                    roll = await self._look()

    async def _give_all(self, tasks: asyncio.TaskGroup) -> None:
        """Give all up; what is just being started is not waited for."""
        self._stopping = True
        for task in self._starting:
            task.cancel()
        await self._announce()
        while self._held or self._moving:
            self._begin(tasks)
            await asyncio.wait(self._moving.values(), return_when=asyncio.FIRST_COMPLETED)
        try:
            await self._members.forget(self._members.name)
        except Unavailable as error:
            log.warning("still on the roll", why=str(error))


async def bury(leases: Leases, members: Members, name: str) -> int:
    """Release all that a surely dead member held, at once: for the supervisor of one machine."""
    await members.forget(name)
    return await leases.release_all_of(name)
