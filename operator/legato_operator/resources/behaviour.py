"""How fast a count may change, in the words of the HorizontalPodAutoscaler."""

from typing import Annotated, Literal

from msgspec import Meta

from legato_operator.resources.fields import FEW
from legato_operator.resources.shared import Part


class Pace(Part, frozen=True, kw_only=True):
    """One bound on change: so many, or so many percent, within a period."""

    type: Literal["Pods", "Percent"]
    """What value counts."""
    value: Annotated[int, Meta(ge=1, le=1000)]
    """How many, or how many percent."""
    period_seconds: Annotated[int, Meta(ge=1, le=1800)] = 60
    """Within how many seconds."""


class Direction(Part, frozen=True, kw_only=True):
    """Change in one direction."""

    stabilization_window_seconds: Annotated[int, Meta(ge=0, le=3600)] | None = None
    """The most careful wish of so many seconds counts; absent = 0 up, 300 down."""
    select_policy: Literal["Max", "Min", "Disabled"] = "Max"
    """Which policy counts; Disabled = never in this direction."""
    policies: Annotated[tuple[Pace, ...], FEW] = ()
    """Bounds; absent = 4 pods or 100 % a minute up, 1 pod a minute down."""
    tolerance_percent: Annotated[int, Meta(ge=0, le=100)] = 10
    """How far the load may be from what fits before anything changes."""


class Behaviour(Part, frozen=True, kw_only=True):
    """Change in both directions."""

    scale_up: Direction = Direction()
    """More."""
    scale_down: Direction = Direction()
    """Fewer; always after a drain."""
