"""What a LavalinkNode reports of one look. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from legato_operator import conditions, names, progress, troubles
from legato_operator.desired import nodes
from legato_operator.nodesets import NodeSet
from legato_operator.resources.status import Condition, NodeStatus, Progress
from legato_operator.scaling import Decision
from legato_operator.seen import Group, World
from legato_operator.verdicts import Verdict, first_no


@dataclass(frozen=True, slots=True)
class Facts:
    """What the look decided."""

    decision: Decision
    sets: tuple[NodeSet, ...]
    forbidden: tuple[str, ...] = ()
    """What of the user's settings would break the music, in sentences."""

    @property
    def draining(self) -> dict[str, str]:
        """Say of each pod that is emptied why."""
        return {pod: why for one in self.sets for pod, why in sorted(one.draining.items())}

    @property
    def written_off(self) -> list[str]:
        """Name the pods that were lost with their machine."""
        return [one.pod(ordinal) for one in self.sets for ordinal in one.plan.written_off]

    @property
    def ready(self) -> int:
        """Count the nodes that answer."""
        return sum(one.ready for one in self.sets)

    @property
    def taking(self) -> int:
        """Count the nodes that take players."""
        return sum(
            node.ready and node.ordinal not in one.plan.draining
            for one in self.sets
            for node in one.nodes
        )


def status(seen: Group, facts: Facts, world: World, *, now: datetime) -> NodeStatus:
    """Write what is, with the reason for all that is not as it should be."""
    said = [
        _ready(seen, facts),
        _scaling(seen, facts.decision),
        _draining(facts),
        _scheduling(facts),
        _degraded(facts, world),
        conditions.paused(seen.spec.paused),
        conditions.blocked(_waiting(seen, facts)),
    ]
    count, wanted = sum(len(one.nodes) for one in facts.sets), facts.decision.count
    return NodeStatus(
        observed_generation=seen.generation,
        conditions=conditions.merged(
            seen.status.conditions, said, generation=seen.generation, now=now
        ),
        version=seen.spec.image or seen.spec.version,
        players=_players(seen, facts),
        in_progress=progress.kept(seen.status.in_progress, _in_progress(seen, facts), now=now),
        replicas=count,
        ready_replicas=facts.ready,
        desired_replicas=wanted,
        selector=names.selector_text(names.nodes_selector(seen.name)),
        nodes=f"{facts.ready}/{wanted}",
        rotation=seen.spec.rotation,
    )


def _players(seen: Group, facts: Facts) -> int:
    fleets = [fleet for fleet in seen.fleets.values() if fleet is not None]
    pods = [one.pod(node.ordinal) for one in facts.sets for node in one.nodes]
    return sum(fleet.players(pod) or 0 for fleet in fleets for pod in pods)


def _ready(seen: Group, facts: Facts) -> Condition:
    """Say the one thing that keeps the group from being fine, the nearest to its root first."""
    if seen.deleting_since is not None:
        return conditions.no("Ready", "Deleting", "It goes once nobody plays on its nodes.")
    if facts.forbidden:
        return conditions.no("Ready", "ApplicationYmlRefused", " ".join(facts.forbidden))
    if not seen.passwords and seen.spec.password_secret_ref is None:
        return conditions.no("Ready", "Starting", "The nodes' password is being made.")
    lacking = [] if seen.passwords else [nodes.Group(seen.owner, seen.spec).secret]
    if lacking := [*lacking, *seen.missing]:
        said = ", ".join(f"{one.name} (key {one.key})" for one in lacking)
        return conditions.no("Ready", "SecretMissing", f"Not there: Secret {said}.")
    if seen.refused:
        return conditions.no("Ready", "ObjectRefused", " ".join(seen.refused))
    ready, wanted = facts.ready, facts.decision.count
    said = f"{ready} of {wanted} nodes answer."
    if ready >= wanted:
        return conditions.yes("Ready", "NodesReady", said)
    if found := troubles.first(seen.pods):
        return conditions.no("Ready", found.reason, f"{said} {found}")
    return conditions.no("Ready", "NodesNotReady", said)


def _scaling(seen: Group, decision: Decision) -> Condition:
    if seen.spec.replicas is not None:
        said = f"spec.replicas says {decision.count}: you or an autoscaler change it."
        return conditions.unknown("ScalingActive", "ReplicasSet", said)
    if decision.reason == "Paused":
        return conditions.unknown("ScalingActive", "Paused", decision.message)
    reasons = (decision.reason, decision.reason)
    return conditions.of("ScalingActive", decision.active, reasons, decision.message)


def _draining(facts: Facts) -> Condition:
    if not facts.draining:
        return conditions.no("Draining", "NothingDrains", "No node is to be emptied.")
    said = "; ".join(f"{pod}: {why}" for pod, why in facts.draining.items())
    overdue = any(node.abandoned for one in facts.sets for node in one.nodes)
    return conditions.yes("Draining", "DeadlinePassed" if overdue else "PlayersMove", said)


def _scheduling(facts: Facts) -> Condition:
    said = f"{facts.taking} of {facts.decision.count} nodes take new players."
    reasons = ("TakesPlayers", "NobodyTakesPlayers")
    return conditions.of("SchedulingEnabled", facts.taking > 0, reasons, said)


def _degraded(facts: Facts, world: World) -> Condition:
    if lost := facts.written_off:
        said = f"Lost with their machine, and replaced elsewhere: {', '.join(lost)}."
        return conditions.yes("Degraded", "MachineLost", said)
    if not world.sees_machines:
        said = (
            "The operator may not look at machines, so that draining or losing one is not noticed:"
            f" put the annotation {names.DRAIN}=true on a node's pod before its machine is"
            " drained."
        )
        return conditions.yes("Degraded", "MachinesUnseen", said)
    return conditions.no("Degraded", "AsWanted", "Nothing is lost, and every machine is seen.")


def _waiting(seen: Group, facts: Facts) -> Sequence[Verdict]:
    """List what a rollout waits for, with why a node does not answer where it is for one."""
    found = troubles.first(seen.pods)
    return [
        replace(one, why=f"{one.why}: {found}") if found and one.name == "OthersReady" else one
        for one in facts.sets[0].plan.verdicts
        if not one.ok
    ]


def _in_progress(seen: Group, facts: Facts) -> Sequence[Progress]:
    listed = [Progress(what=f"drains {pod}: {why}") for pod, why in facts.draining.items()]
    if waits := first_no(_waiting(seen, facts)):
        listed.append(Progress(what="rolls out another revision", blocked_by=str(waits)))
    for one in facts.sets[1:]:
        done = facts.sets[0].ready >= facts.decision.count
        why = "" if done else f"NewSetReady: {facts.sets[0].ready} of {facts.decision.count} answer"
        listed.append(Progress(what=f"replaces StatefulSet {one.name}", blocked_by=why))
    return listed
