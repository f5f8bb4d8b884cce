"""Which changes of a resource's conditions are worth an Event. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from legato_operator.resources.status import BotStatus, Condition, NodeStatus, Status

NEGATIVE = frozenset({"Degraded", "RolloutBlocked"})
"""Conditions that are bad where they are so."""
TOLD = frozenset(
    {
        "ControlPlaneReachable",
        "Degraded",
        "Draining",
        "IdentifyBudgetAvailable",
        "Paused",
        "Ready",
        "RolloutBlocked",
        "ScalingActive",
        "TokenValid",
    }
)
"""Conditions whose changes are told; others change with every step."""
STEPS = frozenset(
    {
        "MigrationDone",
        "NewPodsReady",
        "NotPaused",
        "OldHoldNothing",
        "OldPodsGone",
        "OthersReady",
        "RolloutSlot",
    }
)
"""Predicates that every rollout waits for a while; what keeps them unmet is told otherwise."""
STARTING = frozenset(
    {
        "ApiNotReady",
        "MigrationWaits",
        "NodesNotReady",
        "PartitionsNotOwned",
        "ShardsNotConnected",
        "Starting",
    }
)
"""Why nothing is ready that starts; of what was ready each is a warning."""
AT_FIRST = frozenset({"Ready", "TokenValid"})
"""Conditions that are told also when they are said for the first time."""


@dataclass(frozen=True, slots=True)
class Note:
    """One Event's content."""

    type: Literal["Normal", "Warning"]
    reason: str
    """Stays the same from release to release."""
    message: str


def notes(before: Status, after: Status) -> Iterator[Note]:
    """Give an Event for each change that a person may want to know of."""
    known = {one.type: one for one in before.conditions}
    for one in after.conditions:
        earlier = known.get(one.type)
        if one.type in TOLD and _differs(earlier, one):
            message = one.message or f"{one.type} is {one.status}."
            yield Note(_type(earlier, one), _reason(one), message)
    match before, after:
        case NodeStatus(desired_replicas=was), NodeStatus(desired_replicas=now):
            yield from _scaled(was, now, "nodes", after)
        case BotStatus(), BotStatus():
            known_pods = {one.name: one.audio for one in before.regions}
            for region in after.regions:
                what = f"audio pods of {region.name}"
                yield from _scaled(known_pods.get(region.name, 0), region.audio, what, after)


def _differs(before: Condition | None, now: Condition) -> bool:
    if before is None:
        return now.type in AT_FIRST and now.status != "Unknown"
    if before.status != now.status:
        return now.status != "Unknown"
    return _type(before, now) == "Warning" and before.reason != now.reason


def _reason(one: Condition) -> str:
    """Name a change; a predicate that is not met would read as if it were."""
    waits = one.type == "RolloutBlocked" and one.status == "True"
    return f"WaitsFor{one.reason}" if waits else one.reason


def _type(before: Condition | None, one: Condition) -> Literal["Normal", "Warning"]:
    if one.type in {"Draining", "Paused"} or _starts(before, one):
        return "Normal"
    if one.type == "RolloutBlocked" and one.reason in STEPS:
        return "Normal"
    bad = "True" if one.type in NEGATIVE else "False"
    return "Warning" if one.status == bad else "Normal"


def _starts(before: Condition | None, one: Condition) -> bool:
    """Say whether a resource is not ready yet, for a reason that every start has."""
    if one.type != "Ready" or one.reason not in STARTING:
        return False
    return before is None or (before.status == "False" and before.reason in STARTING)


def _scaled(was: int, now: int, what: str, after: Status) -> Sequence[Note]:
    if was in (0, now):
        return ()
    why = next((one.message for one in after.conditions if one.type == "ScalingActive"), "")
    return (Note("Normal", "Scaled", f"From {was} to {now} {what}. {why}".strip()),)
