"""Permits to hand things over: so many at once, over all members of a service. Pure.

Kept under the thing that moves; whoever has taken it over gives the permit back, and one whose
holder died lapses.
"""

from collections.abc import Mapping

Permits = Mapping[str, int]
"""Thing -> when its permit lapses, server ms."""


def take(found: Permits, what: str, *, most: int, now: int, life: int) -> tuple[Permits, bool]:
    """Take a permit, or have the one that this thing has prolonged. `permit.lua`."""
    live = {thing: until for thing, until in found.items() if until > now}
    if what not in live and len(live) >= most:
        return live, False
    return {**live, what: now + life}, True


def give_back(found: Permits, what: str) -> Permits:
    """End a hand-over."""
    return {thing: until for thing, until in found.items() if thing != what}
