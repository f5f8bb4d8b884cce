"""One look at one resource: read, decide in the core, write. No decision of its own.

What is decided upon what the watches brought is decided anew upon what the API server says now,
before anything is removed, drained or rolled.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from legato import telemetry
from legato.contracts.fleet import Directive
from legato.errors import Unavailable
from legato_operator import bots, groups, names
from legato_operator.cache import Cache
from legato_operator.changes import Action, Apply, Delete, MakePassword, Patch, Pin, Plan, is_of
from legato_operator.cluster import Cluster, Refused
from legato_operator.desired.manifest import Manifest, Ref, ref
from legato_operator.fleet import NOW, RECENT
from legato_operator.kinds import RESOURCES
from legato_operator.lease import NotLeading
from legato_operator.metrics import Metrics
from legato_operator.passwords import renewed
from legato_operator.queue import Key, Queue, jittered
from legato_operator.reading import (
    Beside,
    Memory,
    Outside,
    Reading,
    Source,
    claim,
    decoded,
    deleting,
    key_of,
    peer,
)
from legato_operator.resources import musicbot
from legato_operator.resources.status import NodeStatus
from legato_operator.seen import Bot, Claim, Group, Peer, World
from legato_operator.settings import Settings
from legato_operator.watches import Watches

WORKLOADS = frozenset({"Deployment", "StatefulSet"})

log = telemetry.logger(__name__)


class Teller(Protocol):
    """Whom transitions are told, to be shown as Events."""

    async def tell(self, seen: Bot | Group, plan: Plan) -> None:
        """Tell what a look changed."""


@dataclass
class Shell:
    """What a look is done with."""

    settings: Settings
    cluster: Cluster
    cache: Cache
    watches: Watches
    outside: Outside
    metrics: Metrics
    teller: Teller
    fence: Callable[[], None]
    """Raises NotLeading where another process leads, or may."""
    queue: Queue = field(default_factory=Queue)
    memories: defaultdict[Key, Memory] = field(default_factory=lambda: defaultdict(Memory))

    async def look(self, key: Key) -> timedelta | None:
        """Look at one resource and act; say when to look again, None = it is gone."""
        began, outcome = time.monotonic(), "failed"
        try:
            self.fence()
            again, outcome = await self._look(key)
        except NotLeading:
            return self.settings.look_again
        except Unavailable as error:
            log.warning("look failed", kind=key.kind, name=key.name, why=str(error))
            return self.queue.failed(key)
        except Exception:  # an edge: what one resource brings about must not stop the others
            log.exception("look failed", kind=key.kind, name=key.name)
            return self.queue.failed(key)
        finally:
            self.metrics.looks.labels(key.kind, outcome).observe(time.monotonic() - began)
        self.queue.succeeded(key)
        return again

    async def _look(self, key: Key) -> tuple[timedelta | None, str]:
        found = await self.cluster.resource(key.kind, key.namespace, key.name)
        if found is None or _gone(found):
            self.memories.pop(key, None)
            self.metrics.forget((key.kind, key.namespace, key.name))
            return None, "gone"
        seen, plan = await self._decide(found, self.cache)
        if _is_grave(plan, seen):
            seen, plan = await self._decide_live(found)
        refused = await self._act(key, plan)
        if plan.status != seen.status and not (seen.deleting_since and plan.actions):
            await self._report(key, plan)
        if isinstance(seen, Bot):
            await self._direct(seen, plan)
            await self._lay_out(seen, plan)
        await self.teller.tell(seen, plan)
        if isinstance(seen, Group) and _concerns_bots(seen, plan):
            for bot in seen.fleets:
                self.queue.add(Key(musicbot.KIND, key.namespace, bot))
        memory = self.memories[key]
        memory.pasts, memory.refused = plan.pasts, refused
        for group in seen.groups if isinstance(seen, Bot) else (seen,):
            known = self.memories.get(Key(group.owner.kind, key.namespace, group.name))
            if known is not None:  # a group that went meanwhile stays forgotten
                known.users = frozenset(group.fleets)
        again = jittered(min(plan.next_look, self.settings.look_again))
        return again, "acted" if plan.actions else "settled"

    async def _decide_live(self, found: Manifest) -> tuple[Bot | Group, Plan]:
        """Decide upon what the API server says now, also of a workload that lost our labels."""
        seen, plan = await self._decide(found, self.cluster)
        space = found["metadata"]["namespace"]
        asked = [
            await self.cluster.listed(one.kind, space, fields=f"metadata.name={one.name}")
            for one in _unlisted(plan, seen)
        ]
        if hidden := [one for each in asked if each for one in each.items]:
            seen, plan = await self._decide(found, Beside(self.cluster, hidden))
        return seen, plan

    async def _decide(self, found: Manifest, source: Source) -> tuple[Bot | Group, Plan]:
        follows = found["spec"].get("upgrade") == "Automatic"
        reading = self._reading(source, peers=self._peers() if follows else ())
        if found["kind"] == musicbot.KIND:
            reading.world = replace(reading.world, claims=self._claims(found))
            bot = await reading.bot(found)
            return bot, bots.reconcile(bot, reading.world, now=datetime.now(UTC))
        group = await reading.group(found)
        return group, groups.reconcile(group, reading.world, now=datetime.now(UTC))

    def _reading(self, source: Source, *, peers: tuple[Peer, ...] = ()) -> Reading:
        world = World(
            self.settings.release,
            self.watches.known(),
            self.watches.may_see_machines(),
            peers=peers,
            rollouts_at_once=self.settings.rollouts_at_once,
        )
        within = RECENT if source is self.cache else NOW
        return Reading(source, self.cluster, self.outside, world, self.memories, within)

    def _peers(self) -> tuple[Peer, ...]:
        return tuple(peer(one) for one in self.cache.all(musicbot.KIND, ""))

    def _claims(self, bot: Manifest) -> tuple[Claim, ...]:
        alike = self.cache.of_application(bot["spec"]["applicationId"])
        return tuple(claim(one) for one in (bot, *alike))

    async def _act(self, key: Key, plan: Plan) -> tuple[str, ...]:
        """Do what was decided; return what the API server does not take, each with its words."""
        refused = []
        for action in plan.actions:
            log.info("acts", on=str(action.ref), of=key.name, why=action.reason)
            try:
                await self._do(action, key.namespace)
            except Refused as error:
                refused.append(f"{action.ref}: {error.why}")
                log.warning("refused", on=str(action.ref), of=key.name, why=error.why)
        return tuple(refused)

    async def _do(self, action: Action, namespace: str) -> None:
        became: Manifest | None = None
        match action:
            case Apply(manifest=manifest, ours=ours):
                if not ours:
                    await self._leave_to_others(manifest)
                became = await self.cluster.apply(manifest)
            case MakePassword(manifest=manifest):
                before = await self._before(manifest)
                await self.cluster.apply(manifest | {"data": renewed(before)})
            case Pin(manifest=manifest):
                await self._before(manifest)
                await self.cluster.apply(manifest)
            case Patch(ref=ref, body=body, uid=uid):
                became = await self.cluster.merge(ref, namespace, body, uid=uid)
            case Delete(ref=ref, unconfirmed=unconfirmed, uid=uid):
                grace = 0 if unconfirmed else None
                await self.cluster.delete(ref, namespace, uid=uid, grace=grace)
        self.metrics.actions.labels(type(action).__name__.lower(), action.ref.kind).inc()
        if became is not None:
            self.cache.put({"kind": action.ref.kind, **became})

    async def _leave_to_others(self, wanted: Manifest) -> None:
        """Ask whose an object is that has the name already; raises Refused where it is not ours."""
        one, space = ref(wanted), wanted["metadata"]["namespace"]
        listed = await self.cluster.listed(one.kind, space, fields=f"metadata.name={one.name}")
        for found in listed.items if listed else ():
            _keep_off(found, wanted)

    async def _before(self, wanted: Manifest) -> dict[str, str]:
        """Read the passwords that a Secret holds; raises Refused where it is not ours."""
        one, space = ref(wanted), wanted["metadata"]["namespace"]
        found = await self.cluster.resource(one.kind, space, one.name)
        if found is None:
            return {}
        _keep_off(found, wanted)
        return {key: decoded(found, key) for key in found.get("data") or {}}

    async def _report(self, key: Key, plan: Plan) -> None:
        became = await self.cluster.apply_status(key.kind, key.namespace, key.name, plan.status)
        if became is not None:
            self.cache.put({"kind": key.kind, **became})

    async def _direct(self, bot: Bot, plan: Plan) -> None:
        if plan.directive is None or not _is_new(bot, plan.directive):
            return
        reading = self._reading(self.cache)
        place = await reading.place(bot.owner.namespace, bot.spec)
        self.fence()
        if place is not None:
            number = int(bot.spec.application_id)
            if not await self.outside.fleets.write(place, number, plan.directive):
                raise Unavailable("redis", "the directive was changed meanwhile")

    async def _lay_out(self, bot: Bot, plan: Plan) -> None:
        """Store another count of shards, which no gateway of the old one can notice any more."""
        if plan.shards is None:
            return
        place = await self._reading(self.cache).place(bot.owner.namespace, bot.spec)
        self.fence()
        if place is not None:
            await self.outside.fleets.lay_out(place, int(bot.spec.application_id), plan.shards)

    def begin(self, *, anew: bool = True) -> None:
        """Look at everything: this process leads from now on.

        Anew, it knows nothing of earlier looks: others may have led meanwhile.
        """
        if anew:
            self.memories.clear()
        for kind in RESOURCES:
            for one in self.cache.all(kind, ""):
                self.queue.add(key_of(one))


def _keep_off(found: Manifest, wanted: Manifest) -> None:
    if not is_of(found, wanted):
        why = "somebody else has one of this name: rename or delete it, or name the resource anew"
        raise Refused(why, status=409)


def _unlisted(plan: Plan, seen: Bot | Group) -> list[Ref]:
    """Name the workloads that seem not to be there: those to be made, and those pods are of."""
    made = {one.ref for one in plan.actions if isinstance(one, Apply)}
    owners = (each for pod in seen.pods for each in pod["metadata"].get("ownerReferences") or ())
    named = made | {Ref(one["kind"], one["name"]) for one in owners}
    return sorted(
        one for one in named - {ref(each) for each in seen.children} if one.kind in WORKLOADS
    )


def _is_grave(plan: Plan, seen: Bot | Group) -> bool:
    """Say whether a plan takes something away, or changes what runs, or seems not to run."""
    if plan.shards is not None:
        return True
    if isinstance(seen, Bot) and plan.directive is not None and _is_new(seen, plan.directive):
        return True
    return any(
        isinstance(one, Delete | Patch | Pin) or one.ref.kind in WORKLOADS for one in plan.actions
    )


def _is_new(bot: Bot, directive: Directive) -> bool:
    """Say whether a directive differs from what stands in Redis, or should."""
    said = bot.fleet.directive if bot.fleet else None
    return directive != (said or Directive(version=0))


def _concerns_bots(group: Group, plan: Plan) -> bool:
    """Say whether those who use a group must be told another thing of its nodes."""
    before, now = group.status, plan.status
    assert isinstance(now, NodeStatus)
    return bool(plan.actions) or _told(before) != _told(now)


def _told(status: NodeStatus) -> object:
    draining = [one for one in status.conditions if one.type in ("Draining", "Degraded")]
    said = [(one.status, one.message) for one in draining]
    return status.replicas, status.ready_replicas, status.desired_replicas, said


def _gone(found: Manifest) -> bool:
    """Say whether nothing is left to do: what is being deleted, and does not wait for us."""
    waits = names.FINALIZER in (found["metadata"].get("finalizers") or ())
    return deleting(found) is not None and not waits
