"""Which nodes of a group take nobody new, which are emptied, and which may go. Pure.

A node goes only when every bot's `observed` says that it has no player, and only after the cordon
was in force, so that none can have come meanwhile. What is not known counts as busy, and a pod
that is not seen may play all the same. A drain that is overdue waits for nobody any more.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from legato_operator.verdicts import Verdict

Eviction = Literal["Never", "OnUpgrade", "Always"]
OVERDUE = "the deadline of its drain has passed"


@dataclass(frozen=True, slots=True)
class Node:
    """One pod of a group."""

    ordinal: int
    revision: str
    ready: bool = False
    players: int | None = None
    """Over all bots; None = not known."""
    cordoned: bool = False
    """A cordon is in force: every audio pod has acted on a directive that holds it."""
    overdue: bool = False
    """Every bot was told to leave by a moment that is well past."""
    protected: bool = True
    """Nothing may evict it."""
    machine_leaves: bool = False
    """Its machine was cordoned."""
    lost: bool = False
    """Its machine is not reachable."""
    gone: bool = False
    """Somebody has sworn that nothing runs on its lost machine any more."""
    asked: bool = False
    """A person put the drain annotation on it."""
    ending: bool = False
    """It was told to end; another of the same name comes once it has."""

    @property
    def free(self) -> bool:
        """Say whether it may go."""
        return self.overdue or (self.players == 0 and self.cordoned)

    @property
    def abandoned(self) -> bool:
        """Say whether it may go though somebody may play there."""
        return self.overdue and self.players != 0


@dataclass(frozen=True, slots=True)
class Goal:
    """What should be there."""

    revision: str
    count: int
    eviction: Eviction = "OnUpgrade"
    unseen: Collection[int] = ()
    """Ordinals of which no pod is seen, though somebody may play there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with a group's nodes now."""

    replicas: int
    draining: dict[int, str]
    """Ordinal -> why its players are moved."""
    written_off: tuple[int, ...] = ()
    """Lost with their machine: no bot is told of them any more."""
    delete: tuple[int, ...] = ()
    """Pods to end, which come again in the new revision."""
    bury: tuple[int, ...] = ()
    """Pods to remove although nobody there can confirm that they ended."""
    unprotect: tuple[int, ...] = ()
    protect: tuple[int, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


def plan(goal: Goal, nodes: Sequence[Node], replicas: int, gates: Sequence[Verdict] = ()) -> Plan:
    """Say what each node does, and how many there are, surge included."""
    lost = tuple(node.ordinal for node in nodes if node.lost)
    leaving = [node for node in nodes if _leaves(node, goal) and not node.lost]
    target = _target(goal, nodes, leaving)
    draining = {node.ordinal: _why(node) for node in leaving}
    draining |= dict.fromkeys(_surplus(goal, nodes, draining, target), "fewer are wanted")
    rolled, verdicts = _next_to_roll(goal, nodes, draining, target, gates)
    if rolled is not None:
        draining[rolled] = "it is of an older revision"
    draining |= {
        n.ordinal: _cut(n, draining) for n in nodes if n.abandoned and n.ordinal in draining
    }
    free = {node.ordinal for node in nodes if node.ordinal in draining and node.free}
    return Plan(
        replicas=_count(goal, nodes, replicas, target, free),
        draining=draining,
        written_off=lost,
        delete=tuple(n.ordinal for n in nodes if n.ordinal in {rolled} & free and not n.ending),
        bury=tuple(node.ordinal for node in nodes if node.lost and node.gone),
        unprotect=tuple(n.ordinal for n in nodes if n.ordinal in free and n.protected),
        protect=_to_protect(goal, nodes, free),
        verdicts=verdicts,
    )


def _target(goal: Goal, nodes: Sequence[Node], leaving: Sequence[Node]) -> int:
    """Count those that are wanted, one in the place of each that was lost, and the surge."""
    if not goal.count:
        return 0
    kept = goal.count + sum(node.lost for node in nodes)
    outdated = [node for node in nodes if node.revision != goal.revision and not node.lost]
    return kept + any(node.ordinal < kept for node in (*outdated, *leaving))


def _surplus(goal: Goal, nodes: Sequence[Node], draining: dict[int, str], target: int) -> list[int]:
    """Choose the nodes that are too many; one that answers only if enough others do."""
    staying = [
        node
        for node in nodes
        if node.ready and node.ordinal < target and node.ordinal not in draining and not node.lost
    ]
    enough = len(staying) >= goal.count
    return [n.ordinal for n in nodes if n.ordinal >= target and (enough or not n.ready)]


def _next_to_roll(
    goal: Goal,
    nodes: Sequence[Node],
    draining: dict[int, str],
    target: int,
    gates: Sequence[Verdict],
) -> tuple[int | None, tuple[Verdict, ...]]:
    """Choose one node of an older revision, if the others carry its players meanwhile."""
    waiting = [
        node
        for node in sorted(nodes, key=lambda one: one.ordinal)
        if node.revision != goal.revision and not node.lost and node.ordinal < target
    ]
    if not waiting:
        return None, ()
    chosen = min(waiting, key=lambda one: (one.ready, not one.cordoned, one.ordinal))
    others = [
        node
        for node in nodes
        if node.ready and not node.lost and node is not chosen and node.ordinal not in draining
    ]
    others_ready = Verdict(
        "OthersReady",
        len(others) >= goal.count,
        f"{len(others)} of {goal.count} others answer",
    )
    verdicts = (*gates, others_ready)
    return (chosen.ordinal if all(one.ok for one in verdicts) else None), verdicts


def _count(goal: Goal, nodes: Sequence[Node], replicas: int, target: int, free: set[int]) -> int:
    """Grow at once; shrink from the top by nodes that may go, or are not there."""
    if target >= replicas:
        return target
    staying = {node.ordinal for node in nodes} | set(goal.unseen)
    count = replicas
    while count > target and (count - 1 in free or count - 1 not in staying):
        count -= 1
    return count


def _leaves(node: Node, goal: Goal) -> bool:
    return node.ending or node.asked or (node.machine_leaves and goal.eviction != "Never")


def _why(node: Node) -> str:
    if node.ending:
        return "its pod was told to end"
    return "a person asked for it" if node.asked else "its machine is drained"


def _cut(node: Node, draining: Mapping[int, str]) -> str:
    """Say who is not waited for any more."""
    left = "an unknown number" if node.players is None else node.players
    return f"{draining[node.ordinal]}; {OVERDUE}, players left: {left}"


def _to_protect(goal: Goal, nodes: Sequence[Node], free: set[int]) -> tuple[int, ...]:
    """Protect again what is not to go after all."""
    if goal.eviction == "Always":
        return ()
    return tuple(n.ordinal for n in nodes if not n.protected and n.ordinal not in free)
