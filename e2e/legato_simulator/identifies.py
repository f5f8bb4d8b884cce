"""Discord's allowance of IDENTIFY: one per bucket and window, so many a day. Pure."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

DAY = 86_400.0
SLACK = 0.1
"""Seconds by which the network may shorten a client's pause without it being called a violation."""


class Verdict(Enum):
    """What becomes of one IDENTIFY."""

    ALLOWED = "allowed"
    TOO_SOON = "too soon"
    SPENT = "daily limit"


@dataclass(slots=True)
class Identifies:
    """One bot's identifies."""

    limit: int
    concurrency: int
    window: float
    times: deque[float] = field(default_factory=deque)
    _buckets: dict[int, float] = field(default_factory=dict)

    def judge(self, shard_id: int, now: float, late: float = 0.0) -> Verdict:
        """Count one IDENTIFY and say whether it was within the allowance.

        `late` is by how many seconds the one before may have been seen too late.
        """
        self._forget(now)
        if len(self.times) >= self.limit:
            return Verdict.SPENT
        self.times.append(now)
        bucket = shard_id % self.concurrency
        last = self._buckets.get(bucket)
        if last is not None and now - last < self.window - SLACK - late:
            return Verdict.TOO_SOON
        self._buckets[bucket] = now
        return Verdict.ALLOWED

    def remaining(self, now: float) -> int:
        """Say how many identifies the day still holds."""
        self._forget(now)
        return max(0, self.limit - len(self.times))

    def reset_after(self, now: float) -> float:
        """Say in how many seconds the oldest identify of the day is forgotten."""
        self._forget(now)
        return DAY - (now - self.times[0]) if self.times else 0.0

    def restore(self, spent: int, now: float) -> None:
        """Set how many identifies of today are used up already."""
        self.times = deque([now] * spent)

    def _forget(self, now: float) -> None:
        while self.times and now - self.times[0] >= DAY:
            self.times.popleft()
