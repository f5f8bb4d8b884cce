"""Which of many equal lines are worth saying: the first few, then one now and then. Pure."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

AT_ONCE = 5
"""So many equal lines are said, one after the other."""
EVERY = 30.0
"""Seconds after which one more is said."""
KNOWN = 1000
"""Different lines remembered; the one that was said longest ago is forgotten first."""


@dataclass(slots=True)
class _Told:
    credit: float
    at: float
    left_out: int = 0


class Repeats:
    """What was said lately."""

    def __init__(self, *, at_once: int = AT_ONCE, every: float = EVERY) -> None:
        self._at_once = at_once
        self._every = every
        self._told: OrderedDict[Hashable, _Told] = OrderedDict()

    def admit(self, line: Hashable, *, now: float) -> int | None:
        """Return how many equal lines were left out before this one; None: leave it out too."""
        told = self._told.setdefault(line, _Told(self._at_once, now))
        self._told.move_to_end(line)
        if len(self._told) > KNOWN:
            self._told.popitem(last=False)
        told.credit = min(self._at_once, told.credit + (now - told.at) / self._every)
        told.at = now
        if told.credit < 1:
            told.left_out += 1
            return None
        told.credit -= 1
        left_out, told.left_out = told.left_out, 0
        return left_out
