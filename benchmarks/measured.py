"""What a benchmark is and what it hands back: rows, with aims and baselines of the same run.

Pure: measures nothing itself, and knows no benchmark.
"""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure."""

    what: str
    figure: float
    unit: str
    least: float | None = None
    """The aim, where more is better."""
    most: float | None = None
    """The aim, where less is better."""
    base: float | None = None
    """The baseline's figure in the same unit, measured in the same run."""
    base_of: str = ""
    """What the baseline is."""
    note: str = ""

    @property
    def missed(self) -> bool:
        """Say whether there is an aim and it was not reached."""
        return (self.least is not None and self.figure < self.least) or (
            self.most is not None and self.figure > self.most
        )


class Measured(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one benchmark found."""

    rows: tuple[Row, ...]
    profile: tuple[str, ...] = ()
    """Lines that say where the time went."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One thing that can be measured; every module of the catalogue has one, as BENCHMARK."""

    shows: str
    """One sentence."""
    measure: Callable[[bool], Awaitable[Measured]]
    """Given whether to be quick."""
    limit: int
    """Seconds after which it is ended."""
    quick_limit: int


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of all does not exceed; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """Return the middle; 0 of none."""
    return statistics.median(values) if values else 0.0
