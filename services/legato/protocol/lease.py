"""A lease as its owner sees it: how long it may be relied on, and for what. Pure."""

from dataclasses import dataclass, replace
from datetime import timedelta

from legato.contracts.keys import Owned

TTL = timedelta(seconds=10)
RENEW = timedelta(seconds=2)
ISOLATION = timedelta(seconds=60)
"""How long an owner drives on while Redis is out of its reach (ownership.md, 3)."""

CALL = timedelta(seconds=4)
"""The longest that any call outside takes, be it to Redis, a node or Discord: every time-out of
such a call is this one (ownership.md, 2)."""


def alone_for(ttl: timedelta, renew: timedelta) -> timedelta:
    """Say how long a renewal that failed lets its owner drive on, from when it was begun.

    Calls outside begin up to `CALL` before: up to when the next failure is known, the second of
    two calls without an answer, and not past a TTL, when another may have taken the lease.
    """
    return max(ttl, 2 * CALL + renew) + CALL


@dataclass(frozen=True, slots=True)
class Lease:
    """What its owner holds."""

    what: Owned
    owner: str
    epoch: int
    deadline: float
    """On this machine's monotonic clock, counted from before the renewal was sent."""
    renewed: float = 0.0
    """By the same clock: before the renewal was sent."""
    alone_until: float = 0.0
    """So long its owner may drive what it holds a socket to, though Redis is out of reach."""

    def left(self, *, now: float) -> timedelta:
        """Say how long outside calls may still rely on it."""
        return timedelta(seconds=max(0.0, self.deadline - now))

    def left_alone(self, *, now: float) -> timedelta:
        """Say how long calls to what only a socket's holder may drive may rely on it."""
        return timedelta(seconds=max(0.0, max(self.deadline, self.alone_until) - now))

    def allows(self, within: timedelta, *, now: float, alone: bool = False) -> bool:
        """Tell whether an outside call may begin that ends within a time (ownership.md, 2).

        `alone` is for what only the holder of a socket may drive.
        """
        return (self.left_alone(now=now) if alone else self.left(now=now)) > within

    def missed(self, *, begun: float, within: timedelta, isolation: timedelta) -> "Lease":
        """Note that a renewal begun at a moment failed because Redis is out of reach.

        It holds for a while from there, and only where it held there still: who was frozen, before
        or since, does not know whether Redis came back and gave the lease away.
        """
        if not self.left_alone(now=begun):
            return self
        most = self.renewed + isolation.total_seconds()
        return replace(self, alone_until=min(most, begun + within.total_seconds()))

    def is_isolated_too_long(self, *, now: float, isolation: timedelta) -> bool:
        """Tell whether what it holds sockets to must be let go (ownership.md, 3)."""
        return now - self.renewed >= isolation.total_seconds()
