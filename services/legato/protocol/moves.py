"""What a member takes and gives next, and why. Pure: values in, moves with reasons out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, Literal, TypeVar

Thing = TypeVar("Thing")

SETTLE = timedelta(seconds=30)
"""Nothing is given away within this time of an outage of Redis (ownership.md, 2)."""
STOPPING = 8
"""A member that ends gives at least so many at once: only its grace is left to it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast things move."""

    moves: int
    """At most so many of this member at once."""
    settle: timedelta
    """Nothing is given away within this time of an outage of Redis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Generic[Thing]):
    """What a member knows at one moment."""

    me: str
    owners: Mapping[Thing, str]
    """Who should own what; empty while nobody may."""
    held: frozenset[Thing]
    moving: frozenset[Thing]
    """Begun, and not ended."""
    put_off: frozenset[Thing]
    """Tried just now, in vain."""
    steady: timedelta
    """How long Redis has been in reach without a gap."""
    owners_first: bool = False
    """Redis was away or emptied just now: a lease that it lost is its owner's to take again."""
    has_permits: bool = True
    """No permit was refused just now."""
    stopping: bool = False
    load: Mapping[Thing, int] = field(default_factory=dict)
    """How many depend on what is held; none where it is not told."""


@dataclass(frozen=True, slots=True)
class Move(Generic[Thing]):
    """One thing to take or to give."""

    kind: Literal["take", "give"]
    what: Thing
    reason: str
    needs_permit: bool = False


def plan(view: View[Thing], limits: Limits) -> tuple[Move[Thing], ...]:
    """Say what to begin now; what is begun already counts against the room.

    A thing given to another member needs a permit, so that members who join or lose weight do not
    move everything at once. Taking what is free or dead needs none, since its music waits for an
    owner; nor does the end of a member, which has only its grace to give all in order: what is
    left then is free only after a lease's life.

    What few depend on is given first, so that few notice a member that is not up to it before the
    rollout stops; a member that ends gives first what many depend on, while its grace surely lasts.
    """
    if view.stopping:
        room = max(STOPPING, limits.moves)
        found = _stops(view)
    else:
        room = limits.moves
        found = (*_takes(view), *_gives(view, limits))
    return tuple(found)[: max(0, room - len(view.moving))]


def _stops(view: View[Thing]) -> tuple[Move[Thing], ...]:
    most_first = sorted(_still(view, view.held), key=lambda what: -view.load.get(what, 0))
    return tuple(Move("give", what, "this member ends") for what in most_first)


def _takes(view: View[Thing]) -> tuple[Move[Thing], ...]:
    if view.owners_first:
        return ()
    mine = (what for what, owner in view.owners.items() if owner == view.me)
    wanted = (what for what in mine if what not in view.held)
    return tuple(Move("take", what, "it should be ours") for what in _free(view, wanted))


def _gives(view: View[Thing], limits: Limits) -> tuple[Move[Thing], ...]:
    if not view.has_permits or view.steady < limits.settle:
        return ()
    others = (what for what in view.held if view.owners.get(what, view.me) != view.me)
    least_first = sorted(_free(view, others), key=lambda what: view.load.get(what, 0))
    return tuple(
        Move("give", what, f"{view.owners[what]} should have it", needs_permit=True)
        for what in least_first
    )


def _free(view: View[Thing], things: Iterable[Thing]) -> list[Thing]:
    return [what for what in _still(view, things) if what not in view.put_off]


def _still(view: View[Thing], things: Iterable[Thing]) -> list[Thing]:
    return sorted((what for what in things if what not in view.moving), key=str)
