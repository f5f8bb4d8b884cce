"""How one revision of gateway or audio pods follows another, by hand-over. Pure.

The new pods come up beside the old ones with no share. Once all of them answer, the old ones' share
becomes nothing, and what they hold moves, so many at a time as there are permits. Pods that hold
nothing go. What Redis does not say is not known, and holds every step.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from legato_operator.verdicts import Verdict, first_no

ENOUGH = 0.95
"""Of all things must be held, or nothing further moves."""
ROUNDING = 1e-9
"""Of 100 things 5 may lack, not 4.999…."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of a revision."""

    name: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Revision:
    """A Deployment that is there."""

    name: str
    revision: str
    replicas: int
    pods: tuple[Pod, ...] = ()
    trouble: str = ""
    """What keeps one of its pods from running."""

    @property
    def ready(self) -> int:
        """Count the pods that answer."""
        return sum(pod.ready for pod in self.pods)


@dataclass(frozen=True, slots=True)
class Holdings:
    """Who holds how many shards or partitions, by what they report."""

    held: Mapping[str, int]
    """Member -> how many; members that report."""
    total: int
    """How many there are to hold; 0 = not known."""
    live: int | None = None
    """How many of them work, where holding is not working: shards with a session."""
    lacks_long: bool = False
    """Something has been without a session for longer than a hand-over takes."""

    @property
    def working(self) -> int:
        """Count what works."""
        held = sum(self.held.values())
        return held if self.live is None else min(self.live, held)


@dataclass(frozen=True, slots=True)
class Goal:
    """What should be there."""

    revision: str
    count: int
    max_handovers: int


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now, and what it waits for."""

    replicas: Mapping[str, int]
    """Revision -> how many pods; those that are absent go."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Member -> share, where it is not 1."""
    handovers: int = 0
    """How many things may move at the same time; 0 = the rollout stands."""
    leaving: tuple[str, ...] = ()
    """Pods that are to be chosen when a count shrinks."""
    verdicts: tuple[Verdict, ...] = ()

    @property
    def blocked(self) -> Verdict | None:
        """Say what it waits for, if for anything."""
        return first_no(self.verdicts)


def step(
    goal: Goal,
    seen: Sequence[Revision],
    holdings: Holdings | None,
    gates: Sequence[Verdict] = (),
) -> Step:
    """Take the next step from what is there to what should be."""
    there = {one.revision: one for one in seen}
    new = there.get(goal.revision)
    old = [one for one in seen if one.revision != goal.revision]
    if new is not None and not old and new.replicas == goal.count:
        return Step({goal.revision: goal.count}, {}, goal.max_handovers)
    if blocked := first_no(gates):
        return _held(goal, seen, (blocked,))
    if not old:
        return _resized(goal, new, holdings)
    if holdings is None:
        away = Verdict("ControlPlaneReachable", ok=False, why="Redis does not answer")
        return _held(goal, seen, (away,))
    return _rolled(goal, new, old, holdings)


def _rolled(goal: Goal, new: Revision | None, old: list[Revision], holdings: Holdings) -> Step:
    kept = {one.revision: one.replicas for one in old} | {goal.revision: goal.count}
    came = _came(goal, new)
    old_members = [pod.name for one in old for pod in one.pods]
    new_members = [pod.name for pod in new.pods] if new else []
    if not came.ok:
        if _holds_any(new_members, holdings):
            # It had begun: nothing moves further, and what a dead pod leaves anyone may take.
            return Step(kept, {}, 0, verdicts=(came,))
        return Step(kept, _none(new_members), goal.max_handovers, verdicts=(came,))
    enough = _enough(goal, holdings, old_members)
    empty = _empty(old_members, new_members, holdings)
    verdicts = (came, enough, empty)
    if enough.ok and empty.ok:
        return Step({goal.revision: goal.count}, {}, goal.max_handovers, verdicts=verdicts)
    pace = goal.max_handovers if enough.ok else 0
    return Step(kept, _none(old_members), pace, verdicts=verdicts)


def _came(goal: Goal, new: Revision | None) -> Verdict:
    ready = new.ready if new else 0
    trouble = f": {new.trouble}" if new and new.trouble else ""
    why = f"{ready} of {goal.count} answer{trouble}"
    return Verdict("NewPodsReady", ready >= goal.count, why)


def _resized(goal: Goal, new: Revision | None, holdings: Holdings | None) -> Step:
    there = new.replicas if new else 0
    if new is None or there <= goal.count:
        return Step({goal.revision: goal.count}, {}, goal.max_handovers)
    leaving = tuple(sorted(pod.name for pod in new.pods)[goal.count :])
    if holdings is None:
        away = Verdict("ControlPlaneReachable", ok=False, why="Redis does not answer")
        return Step({goal.revision: there}, {}, goal.max_handovers, leaving, (away,))
    staying = [pod.name for pod in new.pods if pod.name not in leaving]
    empty = _empty(leaving, staying, holdings)
    count = goal.count if empty.ok else there
    return Step({goal.revision: count}, _none(leaving), goal.max_handovers, leaving, (empty,))


def _held(goal: Goal, seen: Sequence[Revision], verdicts: tuple[Verdict, ...]) -> Step:
    # In the middle of a rollout nothing moves on, nor back to those who were to lose it.
    pace = goal.max_handovers if len(seen) < 2 else 0
    return Step({one.revision: one.replicas for one in seen}, {}, pace, (), verdicts)


def _enough(goal: Goal, holdings: Holdings, leaving: Sequence[str]) -> Verdict:
    """Ask for 95 %, but for what is being handed over: that lacks for a moment, and no longer."""
    missing = holdings.total - holdings.working
    moving = min(goal.max_handovers, sum(holdings.held.get(one, 0) for one in leaving))
    allowed = math.floor(holdings.total * (1 - ENOUGH) + ROUNDING)
    if not holdings.lacks_long:
        allowed = max(allowed, moving)
    what = "are held" if holdings.live is None else "have a session"
    why = f"{holdings.working} of {holdings.total} {what}"
    return Verdict("Resumed", missing <= allowed, why)


def _empty(leaving: Sequence[str], staying: Sequence[str], holdings: Holdings) -> Verdict:
    """Ask that those who leave hold nothing: they say so, or others hold everything."""
    left = sum(holdings.held.get(one, 0) for one in leaving)
    silent = [one for one in leaving if one not in holdings.held]
    taken = sum(holdings.held.get(one, 0) for one in staying)
    others_have_all = 0 < holdings.total <= taken
    ok = left == 0 and (not silent or others_have_all)
    why = f"{left} are to be handed over" if left else f"{', '.join(silent)} reports nothing"
    return Verdict("OldHoldNothing", ok, "" if ok else why)


def _holds_any(members: Sequence[str], holdings: Holdings) -> bool:
    return any(holdings.held.get(one, 0) for one in members)


def _none(members: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(members, 0.0)


def emptied(seen: Sequence[Revision], why: str) -> Step:
    """End every pod that is there, so that others can begin in another order of things."""
    waits = Verdict("OldPodsGone", ok=False, why=why)
    return Step({one.revision: 0 for one in seen}, {}, 0, (), (waits,))
