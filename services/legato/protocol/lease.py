"""A lease as its owner sees it: how long it may be relied on, and for what. Pure."""

from dataclasses import dataclass, replace
from datetime import timedelta

from legato.contracts.keys import Owned

TTL = timedelta(seconds=10)
RENEW = timedelta(seconds=2)
ISOLATION = timedelta(seconds=60)
"""How long an owner drives on while Redis is out of its reach (ownership.md, 3)."""


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

    def missed(self, *, now: float, ttl: timedelta, isolation: timedelta) -> "Lease":
        """Note that a renewal failed because Redis is out of reach.

        It holds for one TTL at a time: whoever was frozen since then does not know whether Redis
        came back and gave the lease away.
        """
        most = self.renewed + isolation.total_seconds()
        return replace(self, alone_until=min(most, now + ttl.total_seconds()))

    def is_isolated_too_long(self, *, now: float, isolation: timedelta) -> bool:
        """Tell whether what it holds sockets to must be let go (ownership.md, 3)."""
        return now - self.renewed >= isolation.total_seconds()
