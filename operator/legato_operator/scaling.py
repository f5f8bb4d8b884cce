"""How many there should be, in the HorizontalPodAutoscaler's words. Pure: no clock, no Prometheus.

What is not known holds everything: an empty, stale or partial answer, or an error, is no zero.
After such a gap nothing goes down until a whole window has been answered.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Self

from legato_operator.resources.behaviour import Behaviour, Direction, Pace

UP = (Pace(type="Pods", value=4), Pace(type="Percent", value=100))
DOWN = (Pace(type="Pods", value=1),)
UP_WINDOW = timedelta()
DOWN_WINDOW = timedelta(seconds=300)
KEPT = timedelta(seconds=3600)
"""The longest window and period there are."""

Reason = Literal[
    "AtMaximum",
    "AtMinimum",
    "FollowsLoad",
    "HoldsWindow",
    "HoldsPace",
    "MetricsUnavailable",
    "Fits",
    "Paused",
]


@dataclass(frozen=True, slots=True)
class Measured:
    """What Prometheus said."""

    value: float


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is no figure."""

    why: Literal["Empty", "Stale", "Partial", "Error", "NotAsked"]
    message: str = ""


Answer = Measured | NoAnswer


@dataclass(frozen=True, slots=True)
class Wish:
    """What the load alone asks for."""

    count: int
    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """A decision that changed the count."""

    at: datetime
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Past:
    """What was wished and changed, as far as a window reaches back."""

    answered_since: datetime | None = None
    """From when on every question was answered; None = the last one was not."""
    wishes: tuple[tuple[datetime, int], ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds and behaviour."""

    minimum: int
    maximum: int
    behaviour: Behaviour = field(default_factory=Behaviour)


@dataclass(frozen=True, slots=True)
class Decision:
    """How many, why, and what the next decision must remember."""

    count: int
    reason: Reason
    message: str
    past: Past

    @property
    def active(self) -> bool:
        """Say whether the count follows the load at all."""
        return self.reason not in {"MetricsUnavailable", "Paused"}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far the load may be from what fits, as a share, before anything changes."""

    up: float = 0.1
    down: float = 0.1

    @classmethod
    def of(cls, behaviour: Behaviour) -> Self:
        """Take what a behaviour says of each direction."""
        up, down = behaviour.scale_up, behaviour.scale_down
        return cls(up.tolerance_percent / 100, down.tolerance_percent / 100)


USUAL = Tolerance()


@dataclass(frozen=True, slots=True)
class NodeNeeds:
    """What a group's nodes are asked to carry."""

    players_per_node: int
    free_slots: int
    deficit_limit: int
    tolerance: Tolerance = USUAL


def wish_for_nodes(
    needs: NodeNeeds, current: int, *, players: Answer, deficit: Answer
) -> Wish | NoAnswer:
    """Ask for enough nodes for the players, free places, and no frame missed."""
    if isinstance(players, NoAnswer):
        return players
    if isinstance(deficit, NoAnswer):
        return deficit
    by_players = _fitting(players.value / needs.players_per_node, current, needs.tolerance)
    asked = players.value + needs.free_slots if needs.free_slots else 0
    by_slots = math.ceil(asked / needs.players_per_node)
    wish = max(
        Wish(by_players, f"{players.value:.0f} players"),
        Wish(by_slots, f"{players.value:.0f} players and {needs.free_slots} free places"),
        key=lambda one: one.count,
    )
    if deficit.value > needs.deficit_limit:
        missed = Wish(current + 1, f"a node misses {deficit.value:.0f} frames a minute")
        return max(wish, missed, key=lambda one: one.count)
    if 2 * deficit.value > needs.deficit_limit and wish.count < current:
        return Wish(current, f"a node misses {deficit.value:.0f} frames a minute")
    return wish


def wish_for_pods(
    players_per_pod: int,
    current: int,
    *,
    players: Answer,
    tolerance: Tolerance = USUAL,
) -> Wish | NoAnswer:
    """Ask for enough audio pods for a region's players."""
    if isinstance(players, NoAnswer):
        return players
    count = _fitting(players.value / players_per_pod, current, tolerance)
    return Wish(count, f"{players.value:.0f} players")


def decide(
    policy: Policy, current: int, wish: Wish | NoAnswer, past: Past, *, now: datetime
) -> Decision:
    """Follow the load up at once and down slowly, within the bounds."""
    held = _clamped(policy, current)
    if isinstance(wish, NoAnswer):
        gap = replace(past, answered_since=None, wishes=())
        said = wish.message or "Prometheus has no figure"
        return Decision(held, "MetricsUnavailable", f"{said}; {held} held", gap)
    known = _remembered(past, wish, now)
    if held != current:
        bound: Reason = "AtMinimum" if held > current else "AtMaximum"
        return _changed(Decision(held, bound, f"the bounds ask for {held}", known), current, now)
    most_careful = min(_within(known, _window(policy.behaviour.scale_up, UP_WINDOW), now))
    boldest = max(_within(known, _window(policy.behaviour.scale_down, DOWN_WINDOW), now))
    if most_careful > current:
        decision = _up(policy, current, most_careful, known, wish, now)
    elif boldest < current:
        decision = _down(policy, current, boldest, known, wish, now)
    elif wish.count != current:
        decision = Decision(current, "HoldsWindow", f"{wish.why}: waits for the window", known)
    else:
        decision = Decision(current, "Fits", f"{wish.why}: {current} fit", known)
    return _changed(decision, current, now)


def paused(current: int, past: Past) -> Decision:
    """Hold everything, and begin every window anew afterwards."""
    gap = replace(past, answered_since=None, wishes=())
    return Decision(current, "Paused", f"spec.paused is set; {current} held", gap)


def _up(
    policy: Policy, current: int, wished: int, past: Past, wish: Wish, now: datetime
) -> Decision:
    limit = _most(policy.behaviour.scale_up, current, past, now)
    count = _clamped(policy, min(wished, limit))
    if count < min(wished, policy.maximum):
        return Decision(count, "HoldsPace", f"{wish.why}: {count} of {wished} for now", past)
    if count < wished:
        return Decision(count, "AtMaximum", f"{wish.why}: {wished} asked, {count} allowed", past)
    return Decision(count, "FollowsLoad", f"{wish.why}: {count}", past)


def _down(
    policy: Policy, current: int, wished: int, past: Past, wish: Wish, now: datetime
) -> Decision:
    window = _window(policy.behaviour.scale_down, DOWN_WINDOW)
    if past.answered_since is None or now - past.answered_since < window:
        return Decision(current, "HoldsWindow", f"{wish.why}: not answered for a window yet", past)
    limit = _least(policy.behaviour.scale_down, current, past, now)
    count = _clamped(policy, max(wished, limit))
    if count > max(wished, policy.minimum):
        return Decision(count, "HoldsPace", f"{wish.why}: {count} for now, then {wished}", past)
    if count > wished:
        return Decision(count, "AtMinimum", f"{wish.why}: {wished} would do", past)
    return Decision(count, "FollowsLoad", f"{wish.why}: {count}", past)


def _most(direction: Direction, current: int, past: Past, now: datetime) -> int:
    """Say how many the policies allow: 3 pods with `Percent 100` may become 6 within its period."""
    allowed = []
    for pace in direction.policies or UP:
        begun = current - _moved(past, pace, now, up=True)
        more = pace.value if pace.type == "Pods" else math.ceil(begun * pace.value / 100)
        allowed.append(max(current, begun + more))
    match direction.select_policy:
        case "Max":
            return max(allowed)
        case "Min":
            return min(allowed)
        case "Disabled":
            return current


def _least(direction: Direction, current: int, past: Past, now: datetime) -> int:
    """Say how few the policies allow."""
    allowed = []
    for pace in direction.policies or DOWN:
        begun = current + _moved(past, pace, now, up=False)
        fewer = pace.value if pace.type == "Pods" else math.floor(begun * pace.value / 100)
        allowed.append(min(current, begun - fewer))
    match direction.select_policy:
        case "Max":
            return min(allowed)
        case "Min":
            return max(allowed)
        case "Disabled":
            return current


def _moved(past: Past, pace: Pace, now: datetime, *, up: bool) -> int:
    since = now - timedelta(seconds=pace.period_seconds)
    steps = (one.after - one.before for one in past.changes if one.at > since)
    return sum(step if up else -step for step in steps if (step > 0) == up)


def _remembered(past: Past, wish: Wish, now: datetime) -> Past:
    since = now - KEPT
    return Past(
        answered_since=past.answered_since or now,
        wishes=(*(one for one in past.wishes if one[0] >= since), (now, wish.count)),
        changes=tuple(one for one in past.changes if one.at >= since),
    )


def _changed(decision: Decision, current: int, now: datetime) -> Decision:
    if decision.count == current:
        return decision
    change = Change(now, current, decision.count)
    past = replace(decision.past, changes=(*decision.past.changes, change))
    return replace(decision, past=past)


def _within(past: Past, window: timedelta, now: datetime) -> Iterable[int]:
    return [count for at, count in past.wishes if at >= now - window]


def _window(direction: Direction, usual: timedelta) -> timedelta:
    seconds = direction.stabilization_window_seconds
    return usual if seconds is None else timedelta(seconds=seconds)


def _fitting(exact: float, current: int, tolerance: Tolerance) -> int:
    """Round up, but keep what is there while the load is near what fits it exactly."""
    if current and -tolerance.down <= exact / current - 1 <= tolerance.up:
        return current
    return math.ceil(exact)


def _clamped(policy: Policy, count: int) -> int:
    return max(policy.minimum, min(count, policy.maximum))
