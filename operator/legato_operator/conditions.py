"""Conditions: what is so, and why, each kept with the moment since when. Pure."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from legato_operator.resources.status import Condition
from legato_operator.verdicts import Verdict

MOMENTS = timedelta(minutes=2)
"""A start of pods takes less where the image is there."""


def yes(type_: str, reason: str, message: str = "") -> Condition:
    """Say that something is so."""
    return Condition(type=type_, status="True", reason=reason, message=message)


def no(type_: str, reason: str, message: str = "") -> Condition:
    """Say that something is not so."""
    return Condition(type=type_, status="False", reason=reason, message=message)


def unknown(type_: str, reason: str, message: str = "") -> Condition:
    """Say that nobody knows."""
    return Condition(type=type_, status="Unknown", reason=reason, message=message)


def of(type_: str, ok: bool, reasons: tuple[str, str], message: str = "") -> Condition:
    """Say whether something is so, with the reason for either."""
    return yes(type_, reasons[0], message) if ok else no(type_, reasons[1], message)


def paused(is_so: bool) -> Condition:
    """Say whether the operator only looks."""
    said = (
        "spec.paused: the operator reports, and changes nothing.",
        "The operator does what is asked for.",
    )
    return of("Paused", is_so, ("AskedFor", "Running"), said[0] if is_so else said[1])


def blocked(verdicts: Iterable[Verdict]) -> Condition:
    """Say which predicate a rollout waits for."""
    waiting = [one for one in verdicts if not one.ok]
    if not waiting:
        return no("RolloutBlocked", "NothingWaits", "No rollout waits for anything.")
    return yes("RolloutBlocked", waiting[0].name, "; ".join(map(str, waiting)))


def is_new(said: Iterable[Condition], reasons: Container[str], *, now: datetime) -> bool:
    """Say whether a condition has been false for one of these reasons only for some moments."""
    return any(
        one.status == "False"
        and one.reason in reasons
        and now - datetime.fromisoformat(one.last_transition_time) < MOMENTS
        for one in said
    )


def merged(
    before: Sequence[Condition], now_so: Sequence[Condition], *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Keep since when each is so; a condition that is no longer said goes."""
    since = {one.type: one for one in before}
    return tuple(
        msgspec.structs.replace(
            one,
            observed_generation=generation,
            last_transition_time=_since(since, one) or written(now),
        )
        for one in sorted(now_so, key=lambda one: one.type)
    )


def written(moment: datetime) -> str:
    """Write a moment as Kubernetes does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _since(before: Mapping[str, Condition], one: Condition) -> str:
    known = before.get(one.type)
    return known.last_transition_time if known and known.status == one.status else ""
