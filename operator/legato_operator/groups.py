"""One look at a LavalinkNode: from what is seen to what is done. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from legato_operator import changes, drain, held, names, nodesets, scaling
from legato_operator.changes import Action, Delete, MakePassword, Patch, Plan
from legato_operator.desired import application, monitoring, nodes, pinned
from legato_operator.desired.manifest import Manifest, Ref, made, ref
from legato_operator.directive import Address
from legato_operator.nodesets import NodeSet
from legato_operator.nodestatus import Facts, status
from legato_operator.scaling import Decision, Past
from legato_operator.seen import Group, World, annotations_of
from legato_operator.verdicts import Verdict

FAREWELL = timedelta(seconds=30)
"""How long past its deadline a group that is deleted is waited for."""
SESSIONS = 64
"""Sessions that a node carries without stalling, over all bots."""
OUT_OF_SERVICE = "its machine is out of service"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is decided of a group before anything is written; its bots read it too."""

    decision: Decision
    wanted: Manifest
    """The StatefulSet that is wanted, without a count."""
    sets: tuple[NodeSet, ...]

    @property
    def current(self) -> NodeSet:
        """Say which StatefulSet is the one that is wanted."""
        return self.sets[0]


def reconcile(seen: Group, world: World, *, now: datetime) -> Plan:
    """Bring a group to what its spec asks for."""
    ahead = outlook(seen, now=now)
    if seen.deleting_since is not None:
        return _farewell(seen, ahead, now=now)
    refused = application.faults(seen.spec, nodes.PORT)
    actions = [] if seen.spec.paused or refused else _actions(seen, ahead, world)
    said = status(seen, Facts(ahead.decision, ahead.sets, refused), world, now=now)
    return Plan(tuple(actions), said, pasts={"": ahead.decision.past})


def outlook(seen: Group, *, now: datetime) -> Outlook:
    """Decide how many nodes there are, and what each does."""
    decision, wanted = _decide(seen, now), nodesets.current(seen)
    name = wanted["metadata"]["name"]
    if _is_still(seen):
        return Outlook(decision, wanted, nodesets.left(seen, name))
    count = 0 if seen.deleting_since else decision.count
    goal = drain.Goal(nodes.revision_of(wanted), count, seen.spec.eviction)
    return Outlook(decision, wanted, nodesets.plans(seen, name, goal, _gates(seen)))


def _is_still(seen: Group) -> bool:
    """Say whether nothing is changed: it is paused, or what is wanted can't be made."""
    if seen.deleting_since is not None:
        return False
    refused = application.faults(seen.spec, nodes.PORT)
    return seen.spec.paused or bool(refused or seen.missing) or not seen.passwords


def addresses(seen: Group, *, sharing: int, now: datetime) -> list[Address]:
    """Say what a bot is told of a group's nodes."""
    ahead = outlook(seen, now=now)
    within = timedelta(seconds=seen.spec.drain.deadline_seconds)
    listed = (
        _address(seen, one, node, pod, within)
        for one in ahead.sets
        for node, pod in zip(one.nodes, one.pods, strict=True)
    )
    quota = max(1, SESSIONS // sharing)
    return [replace(one, session_quota=quota) for one in listed if one is not None]


def _address(
    seen: Group, of: NodeSet, node: drain.Node, pod: Manifest, within: timedelta
) -> Address | None:
    """Say what is told of one node; nothing of one that is written off or has no known password."""
    still = seen.spec.paused and seen.deleting_since is None
    password = _password_of(seen, pod)
    if (node.ordinal in of.plan.written_off and not still) or password is None:
        return None
    leaving = node.ordinal in of.plan.draining
    return Address(
        name=of.pod(node.ordinal),
        url=nodes.address(seen.name, seen.owner.namespace, of.pod(node.ordinal)),
        region=seen.spec.region,
        password=password,
        revision=node.revision,
        cordoned=leaving,
        drain_within=within if leaving else None,
        still=still,
    )


def _password_of(seen: Group, pod: Manifest) -> str | None:
    """Find the password that a pod began with; those of an older release's pods are not pinned."""
    began = annotations_of(pod).get(names.SECRETS, "")
    if began in seen.passwords:
        return seen.passwords[began]
    if kept := pinned.texts(seen.pinned).get(pinned.key(pinned.PASSWORD, began)):
        return kept
    fleets = [fleet for fleet in seen.fleets.values() if fleet is not None]
    told = (fleet.password(pod["metadata"]["name"]) for fleet in fleets)
    uid = seen.owner.uid
    return next((one for one in told if one and began in names.fingerprints(one, uid)), None)


def _decide(seen: Group, now: datetime) -> Decision:
    spec = seen.spec
    if spec.replicas is not None:
        return Decision(spec.replicas, "Fits", "the count is set from outside", Past())
    current = seen.status.desired_replicas or spec.minimum or 1
    if spec.paused:
        return scaling.paused(current, seen.past)
    needs = scaling.NodeNeeds(
        spec.scaling.players_per_node,
        spec.scaling.free_slots,
        spec.scaling.frame_deficit_limit,
        scaling.Tolerance.of(spec.scaling.behaviour),
    )
    wish = scaling.wish_for_nodes(needs, current, players=seen.players, deficit=seen.deficit)
    policy = scaling.Policy(spec.minimum or 1, spec.maximum or 1, spec.scaling.behaviour)
    return scaling.decide(policy, current, wish, seen.past, now=now)


def _gates(seen: Group) -> tuple[Verdict, ...]:
    away = [bot for bot, fleet in seen.fleets.items() if fleet is None]
    why = f"the Redis of {', '.join(away)} does not answer" if away else ""
    return (Verdict("ControlPlaneReachable", not away, why),)


def _actions(seen: Group, ahead: Outlook, world: World) -> list[Action]:
    secret = [*held.back(seen.owner, seen.finalizers, seen.version), *_password(seen)]
    if not seen.passwords or seen.missing:
        return secret
    wanted = _objects(seen, ahead)
    wanted += monitoring.of_nodes(seen.owner, world.known)
    kept = [ref(one) for one in wanted] + [Ref("Secret", _own_secret(seen))]
    kept += _configs_in_use(seen)
    kept += [Ref(nodesets.KIND, one.name) for one in ahead.sets if not one.is_over]
    return [
        *secret,
        *_pins(seen, wanted),
        *changes.applied(wanted, seen.children),
        *nodesets.resized(ahead.sets),
        *(action for one in ahead.sets for action in _on_pods(one)),
        *_removed(seen, kept),
    ]


def _objects(seen: Group, ahead: Outlook) -> list[Manifest]:
    return nodes.objects(nodesets.wanted(seen), ahead.wanted, ahead.current.plan.replicas)


def _removed(seen: Group, kept: Sequence[Ref]) -> list[Action]:
    if not all(gate.ok for gate in _gates(seen)):
        return []
    return changes.removed(kept, seen.children, seen.owner.uid, "nothing wants it any more")


def _password(seen: Group) -> list[Action]:
    """Make a password of our own where there is none, or another one was asked for."""
    if seen.spec.password_secret_ref is not None:
        return []
    rotated = str(seen.spec.rotation)
    there = next((one for one in seen.children if ref(one).name == _own_secret(seen)), None)
    if there is not None and annotations_of(there).get(names.ROTATION) == rotated:
        return []
    began = {annotations_of(pod).get(names.SECRETS, "") for pod in seen.pods}
    known = {seen.passwords.get(one) for one in began}
    if there is not None and known - {seen.passwords.get(seen.password)}:
        return []  # two passwords are known; a third would lock us out of the oldest's nodes
    manifest = made("v1", "Secret", _own_secret(seen), seen.owner, names.of_nodes(seen.name))
    manifest["metadata"]["annotations"] = {names.ROTATION: rotated}
    return [MakePassword(manifest, "another one was asked for" if there else "there is none")]


def _pins(seen: Group, wanted: Sequence[Manifest]) -> list[Action]:
    """Keep the password of every pod that is there, or may come."""
    known = {pinned.key(pinned.PASSWORD, said): one for said, one in seen.passwords.items()}
    using = [*wanted, *seen.children, *seen.pods]
    return changes.pins(seen.owner, seen.pinned, using, known)


def _own_secret(seen: Group) -> str:
    return names.joined(seen.name, "password")


def _configs_in_use(seen: Group) -> list[Ref]:
    """Keep the configuration of every pod that still runs with it."""
    return [
        Ref("ConfigMap", volume["configMap"]["name"])
        for pod in seen.pods
        for volume in pod.get("spec", {}).get("volumes", [])
        if "configMap" in volume
    ]


def _on_pods(of: NodeSet) -> list[Action]:
    """Take protection from what may go, give it back to what stays, and end what is replaced."""

    def label(ordinal: int, value: str | None, reason: str) -> Patch:
        body = {"metadata": {"labels": {names.PROTECTED: value}}}
        return Patch(Ref("Pod", of.pod(ordinal)), body, reason, of.uid(ordinal))

    def end(ordinal: int, reason: str, *, unconfirmed: bool = False) -> Delete:
        return Delete(Ref("Pod", of.pod(ordinal)), reason, unconfirmed, of.uid(ordinal))

    return [
        *(label(ordinal, None, of.why_free(ordinal)) for ordinal in of.plan.unprotect),
        *(label(ordinal, "true", "it stays") for ordinal in of.plan.protect),
        *(end(ordinal, of.why_free(ordinal)) for ordinal in of.plan.delete),
        *(end(ordinal, OUT_OF_SERVICE, unconfirmed=True) for ordinal in of.plan.bury),
    ]


def _farewell(seen: Group, ahead: Outlook, *, now: datetime) -> Plan:
    """Empty the group, shrink it as its nodes become free, and let go at the deadline at last."""
    assert seen.deleting_since is not None
    deadline = timedelta(seconds=seen.spec.drain.deadline_seconds) + FAREWELL
    over = now >= seen.deleting_since + deadline
    every = [node for one in ahead.sets for node in one.nodes]
    busy = [node for node in every if not node.free and not node.lost and not node.ending]
    unseen = any(one.unseen for one in ahead.sets)
    if over or not (busy or unseen):
        reason = "its time is over" if busy or unseen else "it is empty"
        actions = [held.released(seen.owner, seen.finalizers, seen.version, reason)]
    else:
        shrunk = [one for one in _objects(seen, ahead) if one["kind"] == nodesets.KIND]
        actions = [*_pins(seen, shrunk), *changes.applied(shrunk, seen.children)]
        actions += nodesets.resized(ahead.sets)
        actions += [action for one in ahead.sets for action in _on_pods(one)]
    said = status(seen, Facts(ahead.decision, ahead.sets), World(""), now=now)
    return Plan(tuple(actions), said, again=timedelta(seconds=2))
