"""What becomes of one more interaction when many wait for a first answer. Pure.

Discord waits 3 s for it. Beyond what this machine carries, a deferral costs one call and a refusal
does too, and spares the rest of the way; trying everything would answer nothing in time.
"""

from dataclasses import dataclass
from typing import Literal

Way = Literal["take", "defer", "refuse"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many may be open."""

    defer_above: int = 50
    """Half a second of a hundred commands a second: something is slow, and time is bought first."""
    refuse_above: int = 200
    """Deferrals themselves don't get through in time any more."""


def way(opened: int, bounds: Bounds) -> Way:
    """Decide by how many interactions wait for a first answer, this one among them."""
    if opened > bounds.refuse_above:
        return "refuse"
    return "defer" if opened > bounds.defer_above else "take"
