"""What Redis keeps of a lease, and what the lease scripts make of it. Pure.

The scripts are what guards; a test drives both with the same calls and wants the same answers.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Record:
    """A lease as it is kept; owner "" = given up, and the epoch stays."""

    owner: str
    epoch: int
    renewed_at: int
    """Server ms."""


@dataclass(frozen=True, slots=True)
class Granted:
    """It is the caller's."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Kept:
    """It is another's."""

    owner: str
    """"" = it may be another's: Redis does not know."""
    age: int
    """Ms since its last renewal."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """How long Redis has been in reach, by the notes of all who hold leases; server ms."""

    since: int
    last: int


def acquire(
    found: Record | None, *, owner: str, now: int, ttl: int, take: bool, unknown: bool = True
) -> tuple[Record | None, Granted | Kept]:
    """Take what is free or ours; `take`: a stale one too. `acquire.lua`.

    `unknown`: also what Redis does not know. What it knew a moment ago is its owner's.
    """
    if found is None and not unknown:
        return None, Kept("", 0)
    if found is not None and found.owner == owner:
        return replace(found, renewed_at=now), Granted(found.epoch)
    if found is not None and found.owner:
        age = now - found.renewed_at
        if age < ttl or not take:
            return found, Kept(found.owner, age)
    epoch = next_epoch(found.epoch if found else 0, now=now)
    return Record(owner, epoch, now), Granted(epoch)


def renew(
    found: Record | None, *, owner: str, epoch: int, now: int, again: bool
) -> tuple[Record | None, Granted | None]:
    """Renew, or take again what Redis lost; None = it is another's, or may be. `renew.lua`.

    `again` is for an owner that knows that it has not been away: another who took the lease from
    one that was frozen has as good a right to what Redis lost then.
    """
    if found is None and not again:
        return None, None
    if found is None:
        epoch = next_epoch(epoch, now=now)
        return Record(owner, epoch, now), Granted(epoch)
    if (found.owner, found.epoch) != (owner, epoch):
        return found, None
    return replace(found, renewed_at=now), Granted(epoch)


def release(found: Record | None, *, owner: str, epoch: int) -> tuple[Record | None, bool]:
    """Give up what is ours. `release.lua`."""
    if found is None or (found.owner, found.epoch) != (owner, epoch):
        return found, False
    return replace(found, owner=""), True


def is_current(found: Record | None, *, owner: str, epoch: int) -> bool:
    """Tell whether an owner may write: what every script asks first."""
    return found is not None and (found.owner, found.epoch) == (owner, epoch)


def next_epoch(last: int, *, now: int) -> int:
    """Return an epoch above the last, also where Redis lost the last (ownership.md, 2)."""
    return max(last + 1, now)


def tick(found: Ticks | None, *, now: int, longest: int) -> tuple[Ticks, int]:
    """Note that Redis is in reach; return for how long without a gap. `tick.lua`."""
    gap = found is None or now - found.last > longest
    since = now if found is None or gap else found.since
    return Ticks(since, now), now - since


def may_take(age: int, *, steady: int, ttl: int) -> bool:
    """Tell whether a stale lease may be taken: its owner could have renewed it, and did not."""
    return age >= ttl and steady >= ttl
