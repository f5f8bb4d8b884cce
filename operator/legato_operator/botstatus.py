"""What a MusicBot reports of one look. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from legato_operator import conditions
from legato_operator.resources.shared import SecretRef
from legato_operator.resources.status import (
    BotStatus,
    Condition,
    Identifies,
    Progress,
    RegionStatus,
    Shards,
)
from legato_operator.scaling import Decision
from legato_operator.seen import Bot
from legato_operator.sharding import Sharding
from legato_operator.verdicts import Verdict, first_no


@dataclass(frozen=True, slots=True)
class Facts:
    """What the look decided."""

    version: str
    missing: tuple[SecretRef, ...]
    layout: Sharding
    decisions: Mapping[str, Decision]
    verdicts: tuple[Verdict, ...]


def status(seen: Bot, facts: Facts, *, now: datetime) -> BotStatus:
    """Write what is, with the reason for all that is not as it should be."""
    connected = sum(seen.fleet.shards().values()) if seen.fleet else 0
    said = [
        _ready(seen, facts, connected),
        _progressing(facts),
        _token(seen),
        _budget(seen),
        _connected(seen, facts, connected),
        _scaling(facts),
        conditions.blocked(facts.verdicts),
        _reachable(seen),
        conditions.of("Paused", seen.spec.paused, ("AskedFor", "Running")),
    ]
    wanted = facts.layout.shards or 0
    return BotStatus(
        observed_generation=seen.generation,
        conditions=conditions.merged(
            seen.status.conditions, said, generation=seen.generation, now=now
        ),
        version=facts.version,
        players=seen.fleet.all_players() if seen.fleet else seen.status.players,
        in_progress=_in_progress(facts),
        shards=Shards(wanted=wanted, connected=connected, summary=f"{connected}/{wanted}"),
        identifies=_identifies(seen),
        regions=tuple(
            RegionStatus(name=name, audio=one.count) for name, one in facts.decisions.items()
        ),
    )


def _ready(seen: Bot, facts: Facts, connected: int) -> Condition:
    """Say the one thing that keeps the bot from being fine, the nearest to its root first."""
    if facts.missing:
        named = ", ".join(f"{one.name} (key {one.key})" for one in facts.missing)
        return conditions.no("Ready", "SecretMissing", f"Not there: Secret {named}.")
    if seen.token.verdict in {"Refused", "OtherApplication"}:
        return conditions.no("Ready", f"Token{seen.token.verdict}", seen.token.message)
    if seen.fleet is None:
        return conditions.no("Ready", "RedisAway", "Redis does not answer; nothing is removed.")
    if (waits := first_no(facts.verdicts)) and waits.name == "MigrationDone":
        return conditions.no("Ready", waits.name.replace("Done", "Waits"), f"{waits.why}.")
    wanted = facts.layout.shards
    if wanted is None or connected < wanted:
        said = f"{connected} of {wanted or '?'} shards are held by a gateway."
        return conditions.no("Ready", "ShardsNotConnected", said)
    return conditions.yes("Ready", "ShardsConnected", f"All {wanted} shards are connected.")


def _progressing(facts: Facts) -> Condition:
    waits = first_no(facts.verdicts)
    if waits is None:
        return conditions.no("Progressing", "Settled")
    return conditions.yes("Progressing", "RollingOut", str(waits))


def _token(seen: Bot) -> Condition:
    match seen.token.verdict:
        case "Valid":
            return conditions.yes("TokenValid", "Accepted")
        case "NotAsked":
            return conditions.unknown("TokenValid", "NotAsked", seen.token.message)
        case refused:
            return conditions.no("TokenValid", refused, seen.token.message)


def _budget(seen: Bot) -> Condition:
    left, total = seen.token.remaining, seen.token.total
    if left is None or total is None:
        return conditions.unknown("IdentifyBudgetAvailable", "NotAsked")
    enough = left >= (seen.stored_shards or 1)
    reasons = ("Enough", "TooFewLeft")
    return conditions.of("IdentifyBudgetAvailable", enough, reasons, f"{left} of {total} are left.")


def _connected(seen: Bot, facts: Facts, connected: int) -> Condition:
    wanted = facts.layout.shards
    if seen.fleet is None or wanted is None:
        return conditions.unknown("ShardsConnected", "NotKnown", facts.layout.message)
    said = f"{connected} of {wanted} shards are held by a gateway."
    return conditions.of("ShardsConnected", connected >= wanted, ("AllHeld", "SomeLack"), said)


def _scaling(facts: Facts) -> Condition:
    still = [(name, one) for name, one in facts.decisions.items() if not one.active]
    if still:
        said = "; ".join(f"{name}: {one.message}" for name, one in still)
        return conditions.no("ScalingActive", "MetricsUnavailable", said)
    said = "; ".join(f"{name}: {one.message}" for name, one in facts.decisions.items())
    return conditions.yes("ScalingActive", "FollowsLoad", said)


def _reachable(seen: Bot) -> Condition:
    reasons = ("RedisAnswers", "RedisAway")
    return conditions.of("ControlPlaneReachable", seen.fleet is not None, reasons)


def _in_progress(facts: Facts) -> tuple[Progress, ...]:
    waits = first_no(facts.verdicts)
    return (Progress(what="rolls out a revision", blocked_by=str(waits)),) if waits else ()


def _identifies(seen: Bot) -> Identifies | None:
    left, total = seen.token.remaining, seen.token.total
    return None if left is None or total is None else Identifies(remaining=left, total=total)
