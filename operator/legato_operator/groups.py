"""One look at a LavalinkNode: from what is seen to what is done. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from legato_operator import changes, conditions, drain, names, scaling
from legato_operator.changes import Action, MakePassword, Patch, Plan
from legato_operator.desired import application, monitoring, nodes
from legato_operator.desired.manifest import Manifest, Ref, made, ref
from legato_operator.directive import Address
from legato_operator.resources.lavalinknode import KIND, NodeSpec
from legato_operator.resources.status import Condition, NodeStatus, Progress
from legato_operator.scaling import Decision, Past
from legato_operator.seen import (
    Group,
    Machine,
    World,
    annotations_of,
    is_ready,
    labels_of,
)
from legato_operator.verdicts import Verdict

FAREWELL = timedelta(seconds=30)
"""How long past its deadline a group that is deleted is waited for."""
SESSIONS = 64
"""Sessions that a node carries without stalling, over all bots."""
DRAINED = "it has no player any more"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is decided of a group before anything is written; its bots read it too."""

    decision: Decision
    plan: drain.Plan
    nodes: tuple[drain.Node, ...]


def reconcile(seen: Group, world: World, *, now: datetime) -> Plan:
    """Bring a group to what its spec asks for."""
    ahead = outlook(seen, now=now)
    if seen.deleting_since is not None:
        return _farewell(seen, ahead, now=now)
    refused = application.refused(seen.spec, nodes.PORT)
    still = seen.spec.paused or refused
    actions = [] if still else [*_held_back(seen), *_actions(seen, ahead, world)]
    status = _status(seen, ahead, world, refused, now=now)
    return Plan(tuple(actions), status, pasts={"": ahead.decision.past})


def outlook(seen: Group, *, now: datetime) -> Outlook:
    """Decide how many nodes there are, and what each does."""
    wanted = nodes.Group(seen.owner, seen.spec, seen.password)
    decision = _decide(seen, now)
    listed = tuple(_node(seen, pod) for pod in _sorted(seen.pods))
    count = 0 if seen.deleting_since else decision.count
    goal = drain.Goal(nodes.revision(wanted), count, seen.spec.eviction)
    return Outlook(decision, drain.plan(goal, listed, _replicas(seen), _gates(seen)), listed)


def addresses(seen: Group, *, sharing: int, now: datetime) -> list[Address]:
    """Say what a bot is told of a group's nodes."""
    ahead = outlook(seen, now=now)
    within = timedelta(seconds=seen.spec.drain.deadline_seconds)
    listed = []
    for node, pod in zip(ahead.nodes, _sorted(seen.pods), strict=True):
        password = seen.passwords.get(annotations_of(pod).get(names.SECRETS, ""))
        if node.ordinal in ahead.plan.written_off or password is None:
            continue
        leaving = node.ordinal in ahead.plan.draining
        listed.append(
            Address(
                name=pod["metadata"]["name"],
                url=nodes.address(seen.name, seen.owner.namespace, node.ordinal),
                region=seen.spec.region,
                password=password,
                revision=node.revision,
                cordoned=leaving,
                drain_within=within if leaving else None,
                session_quota=max(1, SESSIONS // sharing),
            )
        )
    return listed


def _decide(seen: Group, now: datetime) -> Decision:
    spec = seen.spec
    if spec.replicas is not None:
        return Decision(spec.replicas, "Fits", "the count is set from outside", Past())
    current = seen.status.desired_replicas or spec.minimum or 1
    needs = scaling.NodeNeeds(
        spec.scaling.players_per_node,
        spec.scaling.free_slots,
        spec.scaling.frame_deficit_limit,
        _tolerance(spec),
    )
    wish = scaling.wish_for_nodes(needs, current, players=seen.players, deficit=seen.deficit)
    policy = scaling.Policy(spec.minimum or 1, spec.maximum or 1, spec.scaling.behaviour)
    return scaling.decide(policy, current, wish, seen.past, now=now)


def _tolerance(spec: NodeSpec) -> float:
    return spec.scaling.behaviour.scale_up.tolerance_percent / 100


def _gates(seen: Group) -> tuple[Verdict, ...]:
    away = [bot for bot, fleet in seen.fleets.items() if fleet is None]
    why = f"the Redis of {', '.join(away)} does not answer" if away else ""
    return (Verdict("ControlPlaneReachable", not away, why),)


def _node(seen: Group, pod: Manifest) -> drain.Node:
    name = pod["metadata"]["name"]
    machine = seen.machines.get(pod.get("spec", {}).get("nodeName", ""), Machine())
    counts = [fleet.players(name) if fleet else None for fleet in seen.fleets.values()]
    return drain.Node(
        ordinal=_ordinal(pod),
        revision=labels_of(pod).get(names.REVISION, ""),
        ready=is_ready(pod),
        players=None if None in counts else sum(count or 0 for count in counts),
        cordoned=all(fleet is not None and fleet.settled(name) for fleet in seen.fleets.values()),
        protected=names.PROTECTED in labels_of(pod),
        machine_leaves=machine.cordoned,
        lost=machine.lost,
        asked=annotations_of(pod).get(names.DRAIN) == "true",
    )


def _actions(seen: Group, ahead: Outlook, world: World) -> list[Action]:
    secret = _password(seen)
    if not seen.passwords:
        return secret
    wanted = nodes.objects(nodes.Group(seen.owner, seen.spec, seen.password), ahead.plan.replicas)
    wanted += monitoring.of_nodes(seen.owner, world.known)
    kept = [ref(one) for one in wanted] + [Ref("Secret", _own_secret(seen))]
    kept += _configs_in_use(seen)
    return [
        *secret,
        *changes.applied(wanted, seen.children),
        *_relabelled(seen, ahead.plan),
        *(
            changes.Delete(Ref("Pod", f"{seen.name}-{ordinal}"), DRAINED)
            for ordinal in ahead.plan.delete
        ),
        *_removed(seen, kept),
    ]


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
    if any(annotations_of(pod).get(names.SECRETS) != seen.password for pod in seen.pods):
        return []  # two passwords are known; a third would lock us out of the oldest's nodes
    manifest = made("v1", "Secret", _own_secret(seen), seen.owner, names.of_nodes(seen.name))
    manifest["metadata"]["annotations"] = {names.ROTATION: rotated}
    return [MakePassword(manifest, "another one was asked for" if there else "there is none")]


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


def _relabelled(seen: Group, plan: drain.Plan) -> list[Action]:
    def label(ordinal: int, value: str | None, reason: str) -> Patch:
        body = {"metadata": {"labels": {names.PROTECTED: value}}}
        return Patch(Ref("Pod", f"{seen.name}-{ordinal}"), body, reason)

    return [
        *(label(ordinal, None, DRAINED) for ordinal in plan.unprotect),
        *(label(ordinal, "true", "it stays") for ordinal in plan.protect),
    ]


def _farewell(seen: Group, ahead: Outlook, *, now: datetime) -> Plan:
    """Empty the group, shrink it as its nodes become free, and let go at the deadline at last."""
    assert seen.deleting_since is not None
    deadline = timedelta(seconds=seen.spec.drain.deadline_seconds) + FAREWELL
    over = now >= seen.deleting_since + deadline
    busy = [node for node in ahead.nodes if not node.free and not node.lost]
    wanted = nodes.objects(nodes.Group(seen.owner, seen.spec, seen.password), ahead.plan.replicas)
    sets = [one for one in wanted if one["kind"] == "StatefulSet"]
    actions = [*changes.applied(sets, seen.children), *_relabelled(seen, ahead.plan)]
    if over or not busy:
        actions = [_finalizers(seen, [], "it is empty" if not busy else "its time is over")]
    status = _status(seen, ahead, World(""), (), now=now)
    return Plan(tuple(actions), status, again=timedelta(seconds=2))


def _held_back(seen: Group) -> list[Action]:
    """Have a deletion wait for us."""
    if names.FINALIZER in seen.finalizers:
        return []
    return [_finalizers(seen, [names.FINALIZER], "players are moved before it goes")]


def _finalizers(seen: Group, ours: list[str], reason: str) -> Action:
    others = [one for one in seen.finalizers if one != names.FINALIZER]
    body = {"metadata": {"finalizers": [*others, *ours]}}
    return Patch(Ref(KIND, seen.name), body, reason)


def _status(
    seen: Group, ahead: Outlook, world: World, refused: Sequence[str], *, now: datetime
) -> NodeStatus:
    ready = sum(node.ready for node in ahead.nodes)
    wanted = ahead.decision.count
    said = [
        _ready(seen, ready, wanted, refused),
        _scaling(seen, ahead.decision),
        _draining(ahead.plan),
        conditions.of(
            "SchedulingEnabled",
            any(n.ready and n.ordinal not in ahead.plan.draining for n in ahead.nodes),
            ("TakesPlayers", "NobodyTakesPlayers"),
        ),
        _degraded(ahead, world),
        conditions.of("Paused", seen.spec.paused, ("AskedFor", "Running")),
        conditions.blocked(ahead.plan.verdicts),
    ]
    fleets = [fleet for fleet in seen.fleets.values() if fleet is not None]
    per_node = [fleet.players(f"{seen.name}-{n.ordinal}") for fleet in fleets for n in ahead.nodes]
    return NodeStatus(
        observed_generation=seen.generation,
        conditions=conditions.merged(
            seen.status.conditions, said, generation=seen.generation, now=now
        ),
        version=seen.spec.image or seen.spec.version,
        players=sum(count or 0 for count in per_node),
        in_progress=_progress(seen, ahead.plan),
        replicas=len(ahead.nodes),
        ready_replicas=ready,
        desired_replicas=wanted,
        selector=names.selector_text(names.nodes_selector(seen.name)),
        nodes=f"{ready}/{wanted}",
        rotation=seen.spec.rotation,
    )


def _ready(seen: Group, ready: int, wanted: int, refused: Sequence[str]) -> Condition:
    if refused:
        said = f"applicationYml must not set {', '.join(refused)}: the music rests on it."
        return conditions.no("Ready", "ApplicationYmlRefused", said)
    if not seen.passwords:
        where = nodes.Group(seen.owner, seen.spec).secret
        said = f"Secret {where.name} with key {where.key} is not there."
        return conditions.no("Ready", "SecretMissing", said)
    if ready < wanted:
        return conditions.no("Ready", "NodesNotReady", f"{ready} of {wanted} nodes answer.")
    return conditions.yes("Ready", "NodesReady", f"{ready} nodes answer.")


def _scaling(seen: Group, decision: Decision) -> Condition:
    if seen.spec.replicas is not None:
        return conditions.no("ScalingActive", "ReplicasSet", "spec.replicas is set.")
    reasons = (decision.reason, decision.reason)
    return conditions.of("ScalingActive", decision.active, reasons, decision.message)


def _draining(plan: drain.Plan) -> Condition:
    if not plan.draining:
        return conditions.no("Draining", "NothingDrains")
    said = "; ".join(f"{ordinal}: {why}" for ordinal, why in sorted(plan.draining.items()))
    return conditions.yes("Draining", "PlayersMove", said)


def _degraded(ahead: Outlook, world: World) -> Condition:
    if ahead.plan.written_off:
        said = f"{len(ahead.plan.written_off)} nodes were lost with their machine."
        return conditions.yes("Degraded", "MachineLost", said)
    if not world.sees_machines:
        said = "The operator may not look at machines: draining one is not noticed."
        return conditions.yes("Degraded", "MachinesUnseen", said)
    return conditions.no("Degraded", "AsWanted")


def _progress(seen: Group, plan: drain.Plan) -> tuple[Progress, ...]:
    waits = next((str(one) for one in plan.verdicts if not one.ok), "")
    listed = [
        Progress(what=f"drains {seen.name}-{ordinal}: {why}")
        for ordinal, why in sorted(plan.draining.items())
    ]
    if waits:
        listed.append(Progress(what="rolls out another revision", blocked_by=waits))
    return tuple(listed)


def _replicas(seen: Group) -> int:
    found = next((one for one in seen.children if one["kind"] == "StatefulSet"), None)
    return int(found["spec"]["replicas"]) if found else 0


def _sorted(pods: Sequence[Manifest]) -> list[Manifest]:
    return sorted(pods, key=_ordinal)


def _ordinal(pod: Manifest) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])
