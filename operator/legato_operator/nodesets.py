"""The StatefulSets of a group: usually one, two while an immutable field changes. Pure.

What can't be changed in a StatefulSet makes a second one beside the first, which is emptied once
the second answers. Both are of one headless Service, so each node keeps an address of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from legato_operator import drain, names
from legato_operator.changes import Action, Patch
from legato_operator.desired import nodes
from legato_operator.desired.manifest import Manifest, Ref
from legato_operator.directive import Fleet
from legato_operator.seen import (
    Group,
    Machine,
    annotations_of,
    is_ending,
    is_ready,
    labels_of,
    uid_of,
)
from legato_operator.verdicts import Verdict

KIND = "StatefulSet"


@dataclass(frozen=True, slots=True)
class NodeSet:
    """One StatefulSet: its pods by ordinal, and what each does."""

    name: str
    replicas: int
    pods: tuple[Manifest, ...]
    nodes: tuple[drain.Node, ...]
    plan: drain.Plan
    unseen: tuple[int, ...] = ()
    """Ordinals of which no pod is seen, though somebody may play there."""
    own_uid: str = ""
    """Its own; empty where no list shows it."""

    def pod(self, ordinal: int) -> str:
        """Name a pod."""
        return f"{self.name}-{ordinal}"

    def uid(self, ordinal: int) -> str:
        """Say which one of its name a pod is."""
        found = zip(self.nodes, self.pods, strict=True)
        return next(uid_of(pod) for node, pod in found if node.ordinal == ordinal)

    def why_free(self, ordinal: int) -> str:
        """Say why a node may go."""
        overdue = any(node.abandoned for node in self.nodes if node.ordinal == ordinal)
        return drain.OVERDUE if overdue else "it has no player any more"

    @property
    def ready(self) -> int:
        """Count the nodes that answer."""
        return sum(node.ready for node in self.nodes)

    @property
    def draining(self) -> dict[str, str]:
        """Say of each pod that is emptied why."""
        return {self.pod(ordinal): why for ordinal, why in self.plan.draining.items()}

    @property
    def is_over(self) -> bool:
        """Say whether nothing of it is left but its name."""
        return not self.replicas and not self.pods and not self.unseen


def plans(
    seen: Group, name: str, goal: drain.Goal, gates: Sequence[Verdict]
) -> tuple[NodeSet, ...]:
    """Say what each set does: first the one that is wanted, then those it replaces."""
    others = _others(seen, name)
    current = _planned(seen, name, goal, gates)
    return (current, *(_leaving(seen, one, goal, current) for one in others))


def left(seen: Group, name: str) -> tuple[NodeSet, ...]:
    """Leave every set as it is, also what is being emptied."""
    return tuple(_left(seen, one) for one in (name, *_others(seen, name)))


def wanted(seen: Group) -> nodes.Group:
    """Say what a group's objects are made from."""
    return nodes.Group(seen.owner, seen.spec, seen.password, seen.secrets)


def current(seen: Group) -> Manifest:
    """Make the StatefulSet that is wanted, or leave the one that was made of the same."""
    return nodes.statefulset(wanted(seen), seen.children)


def resized(sets: Sequence[NodeSet]) -> list[Action]:
    """Bring a set that is replaced to its count; its content is another release's."""
    return [
        Patch(
            Ref(KIND, one.name),
            {"spec": {"replicas": one.plan.replicas}},
            "another replaces it",
            one.own_uid,
        )
        for one in sets[1:]
        if one.own_uid and one.plan.replicas != one.replicas
    ]


def names_of(seen: Group, listed: Iterable[str]) -> frozenset[str]:
    """Choose those nodes that are a group's, also where no pod of theirs is seen."""
    name = nodes.set_name(wanted(seen), seen.children)
    sets = {name, *_others(seen, name)}
    return frozenset(one for one in listed if one.rpartition("-")[0] in sets)


def expects(seen: Group, node: str) -> bool:
    """Say whether a StatefulSet is to have a pod of a name."""
    name, _, ordinal = node.rpartition("-")
    return int(ordinal) < _replicas(seen, name)


def _others(seen: Group, name: str) -> list[str]:
    """Name the sets that the one of a name replaces, also if only pods are left of them."""
    there = {one["metadata"]["name"] for one in seen.children if one["kind"] == KIND}
    there |= {_name(pod).rpartition("-")[0] for pod in seen.pods}
    return sorted(there - {name})


def _left(seen: Group, name: str) -> NodeSet:
    pods, replicas = _pods(seen, name), _replicas(seen, name)
    listed = tuple(_node(seen, pod) for pod in pods)
    known = [fleet for fleet in seen.fleets.values() if fleet is not None]
    draining = {
        _ordinal(pod): "as before; nothing is changed for now"
        for pod in pods
        if any(fleet.cordons(_name(pod)) for fleet in known)
    }
    lost = tuple(node.ordinal for node in listed if node.lost)
    plan = drain.Plan(replicas, draining, written_off=lost)
    return NodeSet(name, replicas, pods, listed, plan)


def _leaving(seen: Group, name: str, goal: drain.Goal, current: NodeSet) -> NodeSet:
    """Empty a set once the one that replaces it carries the group."""
    if current.ready >= goal.count:
        return _planned(seen, name, drain.Goal("", 0, goal.eviction), ())
    pods = _pods(seen, name)
    revision = labels_of(pods[0]).get(names.REVISION, "") if pods else ""
    return _planned(seen, name, drain.Goal(revision, _replicas(seen, name), goal.eviction), ())


def _planned(seen: Group, name: str, goal: drain.Goal, gates: Sequence[Verdict]) -> NodeSet:
    pods = _pods(seen, name)
    listed = tuple(_node(seen, pod) for pod in pods)
    replicas = _replicas(seen, name)
    unseen = _unseen(seen, name, replicas)
    plan = drain.plan(replace(goal, unseen=unseen), listed, replicas, gates)
    uid = next((uid_of(one) for one in seen.children if _is(one, name)), "")
    return NodeSet(name, replicas, pods, listed, plan, unseen, uid)


def _replicas(seen: Group, name: str) -> int:
    """Read a set's count; of one that is not seen, as many as are known to be there."""
    found = next((one for one in seen.children if _is(one, name)), None)
    if found:
        return int(found["spec"].get("replicas", 1))
    fleets = [fleet for fleet in seen.fleets.values() if fleet is not None]
    known = {_name(pod) for pod in seen.pods} | {one for each in fleets for one in each.played}
    ordinals = [int(one.rpartition("-")[2]) for one in known if one.rpartition("-")[0] == name]
    return max(ordinals, default=-1) + 1


def _unseen(seen: Group, name: str, replicas: int) -> tuple[int, ...]:
    """List the ordinals without a pod where a bot plays, or may by what it was told."""
    there = {_ordinal(pod) for pod in _pods(seen, name)}
    known = [fleet for fleet in seen.fleets.values() if fleet is not None]

    def may_play(node: str) -> bool:
        told = any(one.told(node) and not one.settled(node) for one in known)
        return told or _players(seen, known, node) != 0

    return tuple(n for n in range(replicas) if n not in there and may_play(f"{name}-{n}"))


def _is(one: Manifest, name: str) -> bool:
    return bool(one["kind"] == KIND and one["metadata"]["name"] == name)


def _pods(seen: Group, name: str) -> tuple[Manifest, ...]:
    mine = [pod for pod in seen.pods if pod["metadata"]["name"].rpartition("-")[0] == name]
    return tuple(sorted(mine, key=_ordinal))


def _node(seen: Group, pod: Manifest) -> drain.Node:
    name = pod["metadata"]["name"]
    machine = seen.machines.get(pod.get("spec", {}).get("nodeName", ""), Machine())
    known = [fleet for fleet in seen.fleets.values() if fleet is not None]
    lost = _is_lost(machine, known, name)
    return drain.Node(
        ordinal=_ordinal(pod),
        revision=labels_of(pod).get(names.REVISION, ""),
        ready=is_ready(pod) and not is_ending(pod) and not lost,
        players=_players(seen, known, name),
        cordoned=len(known) == len(seen.fleets) and all(one.settled(name) for one in known),
        overdue=_is_overdue(seen, known, name),
        protected=names.PROTECTED in labels_of(pod),
        machine_leaves=machine.cordoned,
        lost=lost,
        gone=machine.out_of_service,
        asked=annotations_of(pod).get(names.DRAIN) == "true",
        ending=is_ending(pod),
    )


def _is_lost(machine: Machine, known: Sequence[Fleet], node: str) -> bool:
    """Say whether a node went with its machine: not where a bot has it on the line just now.

    While the API server is away, and for some seconds after it, every machine looks lost.
    """
    if machine.out_of_service:
        return machine.lost
    return machine.lost and not any(fleet.reaches(node) for fleet in known)


def _is_overdue(seen: Group, known: Sequence[Fleet], name: str) -> bool:
    """Say whether every bot had its time to leave a node; never while one's Redis is away."""
    return bool(known) and len(known) == len(seen.fleets) and all(f.overdue(name) for f in known)


def _players(seen: Group, known: Sequence[Fleet], name: str) -> int | None:
    """Count over every bot; one that is not known, or not whole, makes the sum unknown."""
    counts = [fleet.players(name) if fleet.counts_all else None for fleet in known]
    if len(known) < len(seen.fleets) or None in counts:
        return None
    return sum(count or 0 for count in counts)


def _ordinal(pod: Manifest) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])


def _name(pod: Manifest) -> str:
    return str(pod["metadata"]["name"])
