"""Kubernetes Events about our resources, few of them. Knows no rule of what is worth one."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from legato import telemetry
from legato.errors import Unavailable
from legato_operator import transitions
from legato_operator.changes import Plan
from legato_operator.cluster import MANAGER, Cluster
from legato_operator.desired.manifest import Manifest, Owner
from legato_operator.metrics import Metrics
from legato_operator.resources import API_VERSION
from legato_operator.seen import Bot, Group
from legato_operator.transitions import Note

QUIET = timedelta(minutes=5)
"""One resource and reason is told once in so long."""
KEPT = 4096
LONGEST = 1024
"""Letters of a message, by Kubernetes."""

log = telemetry.logger(__name__)


@dataclass
class Events:
    """Writes Events, and shows conditions as metrics."""

    cluster: Cluster
    metrics: Metrics
    member: str
    clock: Callable[[], float] = time.monotonic
    _told: dict[tuple[str, str], float] = field(default_factory=dict)

    async def tell(self, seen: Bot | Group, plan: Plan) -> None:
        """Write an Event for each transition of a look; one that fails is let go."""
        if plan.status is None:
            return
        owner = seen.owner
        place = (owner.kind, owner.namespace, owner.name)
        self.metrics.show(place, plan.status.conditions)
        for note in transitions.notes(seen.status, plan.status):
            if self._is_new(owner, note):
                await self._write(owner, note)

    async def _write(self, owner: Owner, note: Note) -> None:
        try:
            await self.cluster.create(self._event(owner, note))
            self.metrics.events.labels(note.type).inc()
        except Unavailable as error:
            log.info("event not written", reason=note.reason, why=str(error))

    def _is_new(self, owner: Owner, note: Note) -> bool:
        key, now = (owner.uid, note.reason), self.clock()
        if now - self._told.get(key, -QUIET.total_seconds()) < QUIET.total_seconds():
            return False
        self._told.pop(key, None)
        self._told[key] = now
        while len(self._told) > KEPT:
            del self._told[next(iter(self._told))]
        return True

    def _event(self, owner: Owner, note: Note) -> Manifest:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = f"{owner.name}.{secrets.token_hex(8)}"
        about = {"kind": owner.kind, "name": owner.name, "namespace": owner.namespace}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": owner.namespace},
            "involvedObject": {"apiVersion": API_VERSION, "uid": owner.uid, **about},
            "type": note.type,
            "reason": note.reason,
            "message": note.message[:LONGEST],
            "action": "Reconciled",
            "source": {"component": MANAGER},
            "reportingComponent": MANAGER,
            "reportingInstance": self.member[:128],
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
