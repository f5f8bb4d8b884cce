"""From what Prometheus returned to a figure, or to why there is none. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from legato_operator.desired.manifest import Manifest
from legato_operator.scaling import Answer, Measured, NoAnswer
from legato_operator.seen import is_ready

SETTLED = timedelta(minutes=2)
"""A pod that is ready for so long has been scraped, if anything scrapes it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series' figure."""

    labels: Mapping[str, str]
    value: float


Found = Sequence[Sample] | NoAnswer


def total(found: Found, expected: Iterable[str] = ()) -> Answer:
    """Add up; where the series name pods, none of the expected may be missing."""
    listed = _usable(found, expected)
    return listed if isinstance(listed, NoAnswer) else Measured(sum(one.value for one in listed))


def greatest(found: Found, expected: Iterable[str] = ()) -> Answer:
    """Take the greatest."""
    listed = _usable(found, expected)
    return listed if isinstance(listed, NoAnswer) else Measured(max(one.value for one in listed))


def of_region(found: Found, region: str) -> Found:
    """Take the series of one region."""
    if isinstance(found, NoAnswer):
        return found
    return [one for one in found if one.labels.get("region") == region]


def settled(pods: Iterable[Manifest], *, now: datetime) -> frozenset[str]:
    """Name the pods that are ready for long enough to be expected in an answer."""
    return frozenset(
        pod["metadata"]["name"] for pod in pods if is_ready(pod) and _since(pod) <= now - SETTLED
    )


def _usable(found: Found, expected: Iterable[str]) -> Found:
    if isinstance(found, NoAnswer):
        return found
    if not found:
        return NoAnswer("Empty", "Prometheus has no such series")
    if not all(math.isfinite(one.value) for one in found):
        return NoAnswer("Error", "Prometheus answered with what is no number")
    named = {one.labels["pod"] for one in found if "pod" in one.labels}
    if named and (missing := sorted(set(expected) - named)):
        return NoAnswer("Partial", f"Prometheus has no figure of {', '.join(missing)}")
    return found


def _since(pod: Manifest) -> datetime:
    said = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    when = said.get("lastTransitionTime") or pod["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(when)
