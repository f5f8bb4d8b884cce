"""Named predicates: whether a step may be taken, and if not, why. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One predicate's answer."""

    name: str
    ok: bool
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.why}" if self.why else self.name


def first_no(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Find the first predicate that forbids."""
    return next((one for one in verdicts if not one.ok), None)
