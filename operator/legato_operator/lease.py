"""The Lease by which one of several operators leads. Decides nothing but that.

https://kubernetes.io/docs/concepts/architecture/leases/. A record that did not change for its whole
duration by our own clock may be taken; clocks of machines are never compared. Who leads stops a
margin before others may begin: it acts only for `renew_within` after a renewal that was begun.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from legato import telemetry
from legato.errors import Unavailable
from legato_operator.cluster import Cluster, Conflict
from legato_operator.desired.manifest import Manifest

NAME = "legato-operator"
SHORTEST = 0.1
"""Seconds between two tries at least."""

log = telemetry.logger(__name__)


class NotLeading(Exception):
    """Another process leads, or may."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a Lease holds, how long its holder trusts it, and how often it is renewed."""

    duration: timedelta = timedelta(seconds=10)
    renew_within: timedelta = timedelta(seconds=6)
    retry: timedelta = timedelta(seconds=2)


@dataclass
class Lease:
    """What one process does to lead."""

    cluster: Cluster
    namespace: str
    member: str
    terms: Terms = Terms()
    clock: Callable[[], float] = time.monotonic
    """Must go on while the process is frozen."""
    _until: float = 0.0
    _seen: tuple[str, float] = ("", 0.0)
    """The record's version, and when it was first seen."""
    is_new: bool = True
    """Whether another may have led since this process did: only then what it remembers is old."""
    _held: bool = False
    _paused: bool = True
    """Whether there was a time without a right to act before the one that there is."""
    _term: int = 0
    """How often the Lease has had another holder, as we wrote it last."""
    _led: int | None = None
    """The term that it led in last."""
    _record: Manifest | None = None
    """As we wrote it last; None = it must be read."""

    @property
    def leads(self) -> bool:
        """Say whether this process may act now."""
        return self.clock() < self._until

    def fence(self) -> None:
        """Raise NotLeading where this process must not act."""
        if not self.leads:
            raise NotLeading

    async def run(self, begin: Callable[[], None]) -> None:
        """Try to lead, and to stay so, for ever; `begin` is called each time that it leads."""
        while True:
            began = self.clock()
            try:
                await self._try()
            except Unavailable as error:
                log.info("lease not renewed", why=str(error))
            self._note(begin)
            # From the beginning on: where a call takes long, the next one is due the sooner.
            wait = began + self.terms.retry.total_seconds() - self.clock()
            await asyncio.sleep(max(wait, SHORTEST))

    def _note(self, begin: Callable[[], None]) -> None:
        """Say what has become of it, and begin where it leads after it did not."""
        if self.leads and self._paused:
            self.is_new = self._term != self._led
            self._led, self._paused = self._term, False
            log.info("leads" if self.is_new else "leads again", member=self.member)
            begin()
        elif self._held and not self.leads:
            log.warning("leads no more", member=self.member)
        self._held = self.leads

    async def release(self) -> None:
        """Let the next one lead at once."""
        held, self._until = self._held, 0.0
        if not held:
            return
        try:
            found = self._record or await self.cluster.resource("Lease", self.namespace, NAME)
            if found and _holder(found) == self.member:
                await self.cluster.update(self._written(found, holder=""))
                log.info("lease released")
        except Unavailable as error:
            log.info("lease not released", why=str(error))

    async def _try(self) -> None:
        began, record = self.clock(), self._record
        self._record = None
        if record is None:
            record = await self.cluster.resource("Lease", self.namespace, NAME) or {}
            if record and not self._may_take(record, began):
                self._until = 0.0
                return
        try:
            write = self.cluster.update if record else self.cluster.create
            self._record = await write(self._written(record, holder=self.member))
        except Conflict:
            # Somebody took it: what we hold ends by itself, within what they had to wait.
            return
        if self._record is not None:
            self._paused |= not self.leads
            self._term = self._record["spec"].get("leaseTransitions", 0)
            self._until = began + self.terms.renew_within.total_seconds()

    def _may_take(self, found: Manifest, now: float) -> bool:
        version = found["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, now)
        lasting = max(self.terms.duration.total_seconds(), _duration(found))
        over = now - self._seen[1] >= lasting
        return _holder(found) in ("", self.member) or over

    def _written(self, found: Manifest, *, holder: str) -> Manifest:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = dict(found.get("spec") or {})
        if holder != _holder(found):
            spec["leaseTransitions"] = spec.get("leaseTransitions", 0) + bool(holder)
            spec["acquireTime"] = now
        seconds = round(self.terms.duration.total_seconds())
        spec |= {"holderIdentity": holder, "renewTime": now, "leaseDurationSeconds": seconds}
        metadata = found.get("metadata") or {"name": NAME, "namespace": self.namespace}
        api = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        return {**api, "metadata": metadata, "spec": spec}


def _holder(found: Manifest) -> str:
    return (found.get("spec") or {}).get("holderIdentity") or ""


def _duration(found: Manifest) -> float:
    return float((found.get("spec") or {}).get("leaseDurationSeconds") or 0)
