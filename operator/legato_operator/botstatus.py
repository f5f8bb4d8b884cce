"""What a MusicBot reports of one look. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from legato.contracts.partitions import DEFAULT_COUNT
from legato_operator import applications, conditions, progress, sharding, troubles
from legato_operator.directive import Fleet
from legato_operator.resources.shared import SecretRef
from legato_operator.resources.status import (
    BotStatus,
    Condition,
    Identifies,
    Progress,
    RegionStatus,
    Shards,
)
from legato_operator.rollout import Step
from legato_operator.scaling import Decision
from legato_operator.seen import Bot, component_of, is_ready
from legato_operator.sharding import Sharding
from legato_operator.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Facts:
    """What the look decided."""

    version: str
    missing: tuple[SecretRef, ...]
    schedules: tuple[str, ...]
    """What can't be read of them, in sentences."""
    layout: Sharding
    decisions: Mapping[str, Decision]
    steps: Mapping[str, Step]
    """By the tier's name."""
    slot: Verdict
    """Whether a new release of the operator may be followed."""
    migrated: Verdict
    free: Verdict
    """Whether no other bot has its application."""
    nodes: Mapping[str, int | None] = field(default_factory=dict)
    """Region -> its nodes that answer; None = no LavalinkNode serves it."""

    @property
    def runs(self) -> bool:
        """Say whether something runs already, so that what waits is a rollout only."""
        return any(step.replicas for step in self.steps.values())

    @property
    def waiting(self) -> tuple[Verdict, ...]:
        """List what waits, each said once, with the tier that waits where it is one tier's."""
        found = [("", self.slot)]
        for name, step in self.steps.items():
            found += [(name, one) for one in step.verdicts if not one.ok]
        of: dict[Verdict, list[str]] = {}
        for name, one in found:
            of.setdefault(one, []).append(name)
        return tuple(
            Verdict(one.name, one.ok, f"{', '.join(tiers)}: {one.why}" if any(tiers) else one.why)
            for one, tiers in of.items()
            if not one.ok
        )


def status(seen: Bot, facts: Facts, *, now: datetime) -> BotStatus:
    """Write what is, with the reason for all that is not as it should be."""
    said = [
        _ready(seen, facts),
        _progressing(facts),
        _token(seen),
        _budget(seen, facts.layout),
        _connected(seen, facts),
        _scaling(facts),
        conditions.blocked(facts.waiting),
        _reachable(seen, facts),
        conditions.paused(seen.spec.paused),
    ]
    wanted = facts.layout.shards or 0
    connected = seen.fleet.connected() if seen.fleet else 0
    return BotStatus(
        observed_generation=seen.generation,
        conditions=conditions.merged(
            seen.status.conditions, said, generation=seen.generation, now=now
        ),
        version=facts.version,
        players=seen.fleet.all_players() if seen.fleet else seen.status.players,
        in_progress=progress.kept(seen.status.in_progress, _in_progress(seen, facts), now=now),
        shards=Shards(wanted=wanted, connected=connected, summary=f"{connected}/{wanted or '?'}"),
        identifies=_identifies(seen),
        regions=tuple(_region(seen, facts, name) for name in facts.decisions),
    )


def _region(seen: Bot, facts: Facts, name: str) -> RegionStatus:
    before = next((one.players for one in seen.status.regions if one.name == name), 0)
    players = seen.fleet.players_in(name) if seen.fleet else before
    return RegionStatus(
        name=name,
        audio=facts.decisions[name].count,
        nodes=facts.nodes.get(name) or 0,
        players=players,
    )


def _ready(seen: Bot, facts: Facts) -> Condition:
    """Say the one thing that keeps the bot from being fine, the nearest to its root first."""
    for found in (*_asked_wrongly(seen, facts), *_not_there(seen, facts)):
        return found
    wanted = facts.layout.shards
    blocked = conditions.blocked(facts.waiting)
    waits = f" A rollout waits: {blocked.message}" if blocked.status == "True" else ""
    return conditions.yes(
        "Ready", "ShardsConnected", f"{wanted} of {wanted} shards have a session.{waits}"
    )


def _asked_wrongly(seen: Bot, facts: Facts) -> Sequence[Condition]:
    """Say what a person has to mend."""
    said: list[tuple[str, str]] = []
    if seen.deleting_since is not None:
        said.append(("Deleting", "It goes once it has left every channel."))
    if not facts.free.ok:
        said.append((applications.IN_USE, f"{facts.free.why[:1].upper()}{facts.free.why[1:]}."))
    if facts.missing:
        named = ", ".join(f"{one.name} (key {one.key})" for one in facts.missing)
        said.append(("SecretMissing", f"Not there: Secret {named}."))
    if seen.token.verdict in {"Refused", "OtherApplication"}:
        token = seen.spec.token_secret_ref
        where = f"It is in Secret {token.name}, key {token.key}; pods that run keep the one before."
        said.append((f"Token{seen.token.verdict}", f"{seen.token.message} {where}"))
    if facts.schedules:
        said.append(("ScheduleUnreadable", " ".join(facts.schedules)))
    if seen.refused:
        said.append(("ObjectRefused", " ".join(seen.refused)))
    return [conditions.no("Ready", reason, message) for reason, message in said]


def _not_there(seen: Bot, facts: Facts) -> Sequence[Condition]:
    """Say what does not run yet, or no more."""
    said: list[tuple[str, str]] = []
    if seen.fleet is None:
        said.append(("RedisAway", "Redis does not answer; nothing is removed."))
    if not facts.migrated.ok and (seen.fleet is None or not facts.runs):
        why = facts.migrated.why
        said.append(("MigrationWaits", f"{why[:1].upper()}{why[1:]}."))
    lacking = [*_lacking(seen.fleet, facts), *_api(seen)]
    if lacking and (found := _trouble(seen)):
        said.append((found.reason, f"{lacking[0][1]} {found}"))
    if missing := ", ".join(name for name, count in facts.nodes.items() if count is None):
        said.append(("NoNodes", f"No LavalinkNode of this namespace serves {missing}."))
    if silent := ", ".join(name for name, count in facts.nodes.items() if count == 0):
        said.append(("NodesNotReady", f"No node of {silent} answers: see kubectl get lln."))
    return [conditions.no("Ready", reason, message) for reason, message in (*said, *lacking)]


def _lacking(fleet: Fleet | None, facts: Facts) -> list[tuple[str, str]]:
    """Say which shards and partitions nobody works on; in a rollout some are on their way."""
    said: list[tuple[str, str]] = []
    if fleet is None:
        return said
    wanted, connected = facts.layout.shards, fleet.connected()
    if wanted is None or connected < wanted - _resuming(facts.steps["gateway"], wanted):
        text = f"{connected} of {wanted or '?'} shards have a session with Discord."
        said.append(("ShardsNotConnected", text))
    for name in facts.decisions:
        held = sum(fleet.partitions(name).values())
        # Some may be on their way at any time: pods share anew whenever one comes or goes.
        if held < DEFAULT_COUNT - facts.steps[f"audio {name}"].handovers:
            text = f"{held} of {DEFAULT_COUNT} partitions of {name} are owned by an audio pod."
            said.append(("PartitionsNotOwned", text))
    return said


def _resuming(step: Step, wanted: int) -> int:
    """Say how many shards may be without a session for a moment: in a rollout, never most."""
    return min(step.handovers, (wanted + 1) // 2) if step.blocked else 0


def _api(seen: Bot) -> list[tuple[str, str]]:
    pods = [pod for pod in seen.pods if component_of(pod) == "api"]
    if not pods or any(is_ready(pod) for pod in pods):
        return []
    return [("ApiNotReady", f"None of {len(pods)} pods of the API answers.")]


def _trouble(seen: Bot) -> troubles.Trouble | None:
    return troubles.first(pod for pod in seen.pods if component_of(pod) != "worker")


def _progressing(facts: Facts) -> Condition:
    waits = [f"{name}: {step.blocked}" for name, step in facts.steps.items() if step.blocked]
    if not waits:
        return conditions.no("Progressing", "Settled", "Every pod is of the wanted revision.")
    return conditions.yes("Progressing", "RollingOut", "; ".join(waits))


def _token(seen: Bot) -> Condition:
    match seen.token.verdict:
        case "Valid":
            return conditions.yes("TokenValid", "Accepted", "Discord accepts the token.")
        case "NotAsked" | "Unreachable" as why:
            said = seen.token.message or "Discord was not asked about the token."
            return conditions.unknown("TokenValid", why, said)
        case refused:
            return conditions.no("TokenValid", refused, seen.token.message)


def _budget(seen: Bot, layout: Sharding) -> Condition:
    left, total = seen.token.remaining, seen.token.total
    if left is None or total is None:
        said = "Discord was not asked how many new sessions may begin today."
        return conditions.unknown("IdentifyBudgetAvailable", "NotAsked", said)
    if lack := sharding.shortfall(layout, left):
        return conditions.no("IdentifyBudgetAvailable", "TooFewLeft", f"{lack}.")
    said = f"{left} of {total} new sessions are left today, and {layout.shards or 1} may be needed."
    return conditions.yes("IdentifyBudgetAvailable", "Enough", said)


def _connected(seen: Bot, facts: Facts) -> Condition:
    wanted = facts.layout.shards
    if seen.fleet is None:
        said = "Redis, through which gateways report, does not answer."
        return conditions.unknown("ShardsConnected", "NotKnown", said)
    if wanted is None:
        return conditions.unknown("ShardsConnected", "NotKnown", facts.layout.message)
    connected = seen.fleet.connected()
    said = f"{connected} of {wanted} shards have a session with Discord."
    return conditions.of("ShardsConnected", connected >= wanted, ("AllLive", "SomeLack"), said)


def _scaling(facts: Facts) -> Condition:
    still = [(name, one) for name, one in facts.decisions.items() if not one.active]
    if still:
        said = "; ".join(f"{name}: {one.message}" for name, one in still)
        if still[0][1].reason == "Paused":
            return conditions.unknown("ScalingActive", "Paused", said)
        return conditions.no("ScalingActive", "MetricsUnavailable", said)
    said = "; ".join(f"{name}: {one.message}" for name, one in facts.decisions.items())
    return conditions.yes("ScalingActive", "FollowsLoad", said)


def _reachable(seen: Bot, facts: Facts) -> Condition:
    if seen.spec.redis.url_secret_ref in facts.missing:
        said = "The Secret with Redis' address is not there."
        return conditions.no("ControlPlaneReachable", "SecretMissing", said)
    answers = seen.fleet is not None
    said = "Redis answers." if answers else "Redis does not answer: nothing is moved or removed."
    reasons = ("RedisAnswers", "RedisAway")
    return conditions.of("ControlPlaneReachable", answers, reasons, said)


def _in_progress(seen: Bot, facts: Facts) -> Sequence[Progress]:
    listed = []
    if seen.deleting_since is not None:
        listed.append(Progress(what="leaves every channel"))
    if not facts.slot.ok:
        listed.append(Progress(what="follows a new release", blocked_by=str(facts.slot)))
    listed += [
        Progress(
            what=f"{'shrinks' if step.leaving else 'rolls out'} {name}",
            blocked_by=str(step.blocked),
        )
        for name, step in facts.steps.items()
        if step.blocked
    ]
    return listed


def _identifies(seen: Bot) -> Identifies | None:
    left, total = seen.token.remaining, seen.token.total
    return None if left is None or total is None else Identifies(remaining=left, total=total)
