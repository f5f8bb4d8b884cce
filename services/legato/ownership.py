"""Holding what this process should hold: leases taken, renewed and given up, one loop each.

Knows neither what a lease is for (the port starts and stops it) nor how owners are chosen
(`rendezvous`).
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

import structlog

from legato import rendezvous
from legato.contracts.keys import Owned
from legato.errors import Unavailable
from legato.leases import ISOLATION, Held, Lease, Leases
from legato.members import READY_AFTER, Members, eligible
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


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast things move between members."""

    moves: int = 2
    """At most so many at once."""
    ready_after: timedelta = READY_AFTER
    settle: timedelta = timedelta(seconds=30)
    """Nothing is given away within this time of an outage of Redis."""
    watch: bool = False
    """End the process when its event loop stalls past a lease; for a process of ours alone."""
    isolation: timedelta = ISOLATION
    """How long what is held is driven on while Redis is out of reach."""


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
    ) -> None:
        """Take every thing there is to own; its share of them follows from the roll."""
        self.weight = 1.0
        """This member's share; the directive sets it, 0 = give everything away."""
        self._leases = leases
        self._members = members
        self._things = tuple(things)
        self._port = port
        self._pace = pace or Pace()
        self._held: dict[Owned, Lease] = {}
        self._wanted: frozenset[Owned] = frozenset()
        self._known = False
        self._may_give = False
        self._draining = False
        self._looked = asyncio.Event()
        self._settled = asyncio.Event()
        self._locks = {thing: asyncio.Lock() for thing in self._things}

    def lease(self, what: Owned) -> Lease | None:
        """Return the lease as last renewed; None where the thing is not ours."""
        return self._held.get(what)

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
            moving = tasks.create_task(self._move_all())
            await stop.wait()
            self._draining = True
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
            await self._give_all()
            renewing.cancel()
            if living is not None:
                living.cancel()

    async def _show_life(self) -> None:
        """Tell the watchdog that the event loop runs; it ends the process where it doesn't."""
        with Watchdog(lambda: tuple(self._held.values())) as watchdog:
            while True:
                watchdog.beat()
                await asyncio.sleep(BEAT.total_seconds())

    async def _renew_all(self, tasks: asyncio.TaskGroup) -> None:
        """Keep every lease fresh; nothing slow may stand in this loop."""
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                await self._look()
                await self._renew_held(tasks)
            except Unavailable as error:
                log.warning("leases not renewed", why=str(error), held=len(self._held))
                self._miss()
            self._looked.set()
            spent = loop.time() - begun
            await asyncio.sleep(max(0.0, self._leases.every.total_seconds() - spent))

    async def _look(self) -> None:
        """Read the roll, and derive what should be ours."""
        roll = await self._members.beat(weight=self.weight, draining=self._draining)
        steady = await self._leases.steady()
        ready = eligible(roll, ready_after=self._pace.ready_after, alive_within=self._members.ttl)
        owners = rendezvous.assign(self._things, ready)
        mine = frozenset(thing for thing, owner in owners.items() if owner == self._members.name)
        self._known = bool(owners)
        self._may_give = self._known and steady >= self._pace.settle
        self._wanted = mine

    async def _renew_held(self, tasks: asyncio.TaskGroup) -> None:
        for what, lease in list(self._held.items()):
            renewed = await self._leases.renew(lease)
            if self._held.get(what) is not lease:
                continue
            if renewed is None:
                del self._held[what]
                log.warning("lease lost", thing=str(what), epoch=lease.epoch)
                tasks.create_task(self._lose(lease))
            else:
                self._held[what] = renewed

    def _miss(self) -> None:
        now, ttl, isolation = time.monotonic(), self._leases.ttl, self._pace.isolation
        for what, lease in self._held.items():
            self._held[what] = lease.missed(now=now, ttl=ttl, isolation=isolation)

    async def _lose(self, lease: Lease) -> None:
        async with self._locks[lease.what]:
            await self._port.stop(lease, reason="lost")

    async def _move_all(self) -> None:
        while True:
            await self._looked.wait()
            self._looked.clear()
            waiting = await self._move_once()
            if self._known:
                self._settled.set()
            if waiting:
                await asyncio.sleep(RETRY.total_seconds())
                self._looked.set()

    async def _move_once(self) -> bool:
        """Take and give what differs; True if something that should be ours is another's still."""
        wanted, held = self._wanted, frozenset(self._held)
        room = asyncio.Semaphore(self._pace.moves)
        moves = [self._take(what, room) for what in sorted(wanted - held, key=str)]
        if self._may_give:
            moves += [self._give(what, room, "moved") for what in sorted(held - wanted, key=str)]
        return any(await asyncio.gather(*moves))

    async def _take(self, what: Owned, room: asyncio.Semaphore) -> bool:
        async with room, self._locks[what]:
            try:
                found = await self._leases.acquire(what)
            except Unavailable as error:
                log.warning("lease not taken", thing=str(what), why=str(error))
                return False
            if isinstance(found, Held):
                return True
            self._held[what] = found
            return await self._start(found)

    async def _start(self, lease: Lease) -> bool:
        try:
            await self._port.start(lease)
        except Exception:
            log.exception("could not start what is ours now", thing=str(lease.what))
            await self._release(self._held.pop(lease.what, lease))
            return False
        log.info("ours now", thing=str(lease.what), epoch=lease.epoch)
        return False

    async def _give(self, what: Owned, room: asyncio.Semaphore, reason: Reason) -> bool:
        async with room, self._locks[what]:
            lease = self._held.get(what)
            if lease is not None:
                await self._stop(lease, reason)
        return False

    async def _stop(self, lease: Lease, reason: Reason) -> None:
        try:
            await self._port.stop(lease, reason=reason)
        except Exception:
            log.exception("could not stop in order", thing=str(lease.what))
        await self._release(self._held.pop(lease.what, lease))
        log.info("no longer ours", thing=str(lease.what), reason=reason)

    async def _release(self, lease: Lease) -> None:
        try:
            await self._leases.release(lease)
        except Unavailable as error:
            log.warning("lease not released", thing=str(lease.what), why=str(error))

    async def _give_all(self) -> None:
        room = asyncio.Semaphore(max(8, self._pace.moves))
        await asyncio.gather(*(self._give(what, room, "stopping") for what in list(self._held)))
        try:
            await self._members.forget(self._members.name)
        except Unavailable as error:
            log.warning("still on the roll", why=str(error))


async def bury(leases: Leases, members: Members, name: str) -> int:
    """Release all that a surely dead member held, at once: for the supervisor of one machine."""
    await members.forget(name)
    return await leases.release_all_of(name)
