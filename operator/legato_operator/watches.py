"""Watches that fill the cache: list a kind, follow it, list it again. Decides nothing.

A kind that the cluster need not know, or that we need not see, is asked for again now and then. Of
every other a refusal is an outage: what is known of it stays.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from legato import telemetry
from legato.errors import Unavailable
from legato_operator import kinds
from legato_operator.cache import Cache
from legato_operator.cluster import OURS, Cluster, Event, Expired, Refused, machine
from legato_operator.desired.manifest import Manifest
from legato_operator.listing import Listed

UNKNOWN_AGAIN = 60.0
"""Seconds until a kind is asked for again that is not there."""
NEEDLESS = frozenset({*kinds.OPTIONAL, kinds.MACHINE})
"""Kinds that may be not there, or not ours to see."""
FIRST, LONGEST = 0.5, 15.0
"""Seconds between two tries of a watch that breaks."""

log = telemetry.logger(__name__)

Changed = Callable[[Manifest], None]


@dataclass(slots=True)
class State:
    """How one watch fares."""

    synced: bool = False
    """Whether it has listed everything once, or found that it can't."""
    there: bool = False
    """Whether the kind is known, and we may look at it."""
    heard: float = field(default_factory=time.monotonic)
    """When the API server last said anything in it."""
    why: str = ""


@dataclass
class Watches:
    """One watch for each kind and namespace."""

    cluster: Cluster
    cache: Cache
    namespaces: Sequence[str]
    changed: Changed
    """Called for what has changed, after the cache has it."""
    sees_machines: bool = True
    _states: dict[tuple[str, str], State] = field(default_factory=dict)
    _synced: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watch, for ever."""
        async with asyncio.TaskGroup() as group:
            for kind, selector in self._wanted().items():
                spaces = self.namespaces if kind != kinds.MACHINE and self.namespaces else ("",)
                for space in spaces:
                    state = self._states[kind, space] = State()
                    group.create_task(self._follow(kind, space, selector, state))

    async def synced(self) -> None:
        """Wait until everything was listed once."""
        await self._synced.wait()

    @property
    def is_synced(self) -> bool:
        """Say whether everything was listed once."""
        return self._synced.is_set()

    def known(self) -> frozenset[str]:
        """Say which kinds of others the cluster knows."""
        return frozenset(kind for kind in kinds.OPTIONAL if self._there(kind))

    def may_see_machines(self) -> bool:
        """Say whether we are told of machines."""
        return self.sees_machines and self._there(kinds.MACHINE)

    def ages(self) -> dict[str, float]:
        """Say how many seconds ago each watch that there is was heard of, the oldest of a kind."""
        now, found = time.monotonic(), dict[str, float]()
        for (kind, _), state in self._states.items():
            if state.there or not state.synced:
                found[kind] = max(found.get(kind, 0.0), now - state.heard)
        return found

    def _there(self, kind: str) -> bool:
        states = [state for (name, _), state in self._states.items() if name == kind]
        return bool(states) and all(state.there for state in states)

    def _wanted(self) -> dict[str, str]:
        wanted = dict.fromkeys(kinds.RESOURCES, "")
        wanted |= dict.fromkeys([*kinds.CHILDREN, *kinds.OPTIONAL, "Pod"], OURS)
        return wanted | ({kinds.MACHINE: ""} if self.sees_machines else {})

    async def _follow(self, kind: str, space: str, selector: str, state: State) -> None:
        wait = FIRST
        while True:
            try:
                version = await self._list(kind, space, selector, state)
                wait = UNKNOWN_AGAIN
                if version is not None:
                    wait = FIRST
                    await self._watch(kind, space, selector, state, version)
            except Expired:
                wait = FIRST
            except Refused as error:
                wait = LONGEST
                if kind in NEEDLESS:
                    self._take(kind, space, state, None)
                    wait = UNKNOWN_AGAIN
                self._tell(kind, state, str(error))
            except Unavailable as error:
                self._tell(kind, state, str(error))
                wait = min(LONGEST, wait * 2)
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311  # no secret

    async def _list(self, kind: str, space: str, selector: str, state: State) -> str | None:
        """List a kind, and say at which moment; None where it is not there, and need not be."""
        found = await self.cluster.listed(kind, space, selector)
        if found is None and kind not in NEEDLESS:
            raise Unavailable("kubernetes", f"the API server does not know {kind}")
        self._take(kind, space, state, found)
        return found.version if found else None

    async def _watch(
        self, kind: str, space: str, selector: str, state: State, version: str
    ) -> None:
        """Follow a kind from a moment on, for as long as the API server can tell what happened."""
        while True:
            lasting = random.randint(240, 300)  # noqa: S311  # no secret
            watch = self.cluster.watched(kind, space, selector, version, lasting=lasting)
            async for event in watch:
                state.heard, state.why = time.monotonic(), ""
                version = event.object["metadata"]["resourceVersion"]
                self._note(kind, event)
            await asyncio.sleep(
                FIRST
            )  # one that ends its watches at once is not asked all the time

    def _take(self, kind: str, space: str, state: State, found: Listed | None) -> None:
        """Put a whole list in the place of what is known; what differs is looked at."""
        state.heard, state.there = time.monotonic(), found is not None
        items, version = (found.items, found.version) if found else ((), "")
        if kind == kinds.MACHINE:
            self._take_machines(list(items))
        else:
            for one in self.cache.replace(kind, space, items, version):
                self.changed(one)
        state.synced = True
        if all(one.synced for one in self._states.values()):
            self._synced.set()

    def _take_machines(self, items: Sequence[Manifest]) -> None:
        there = {one["metadata"]["name"] for one in items}
        for name in self.cache.names_of_machines():
            if name not in there:
                self.cache.see(name, None)
        for one in items:
            self._note(kinds.MACHINE, Event("MODIFIED", one))

    def _note(self, kind: str, event: Event) -> None:
        if event.type == "BOOKMARK":
            return
        if kind == kinds.MACHINE:
            gone = event.type == "DELETED"
            name = event.object["metadata"]["name"]
            if self.cache.see(name, None if gone else machine(event.object)):
                self.changed(event.object)
            return
        if event.type == "DELETED":
            self.cache.remove(event.object)
        elif not self.cache.put(event.object) and kind in kinds.RESOURCES:
            return  # what we wrote ourselves into a status needs no other look
        self.changed(event.object)

    def _tell(self, kind: str, state: State, why: str) -> None:
        if state.why != why:
            log.info("watch broken", kind=kind, why=why)
        state.why = why
