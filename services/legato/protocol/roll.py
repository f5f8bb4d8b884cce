"""Who is a member of a service, and which of them may own things. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from legato.protocol.lease import CALL, RENEW, TTL

READY_AFTER = timedelta(seconds=5)
"""A member that comes and goes in a crash loop moves nothing."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a service, as it last reported."""

    name: str
    since: int
    """Alive without a gap since then, server ms."""
    seen: int
    weight: float
    draining: bool


@dataclass(frozen=True, slots=True)
class Roll:
    """Who was there at one moment."""

    now: int
    """Server ms."""
    members: tuple[Member, ...]

    def heard(self, names: Collection[str], *, since: int) -> bool:
        """Tell whether all of some members have read the roll after a moment."""
        return all(member.seen > since for member in self.members if member.name in names)

    def alive(self, *, within: timedelta) -> int:
        """Count who was heard of late."""
        silent = round(within / timedelta(milliseconds=1))
        return sum(self.now - member.seen <= silent for member in self.members)


@dataclass(frozen=True, slots=True)
class Stay:
    """For how long a member has been on the roll, by its own clock: that of Redis may be set."""

    since: int = -1
    """The roll's word, server ms."""
    begun: float = 0.0
    """When the member read it first, s."""

    def seen(self, roll: Roll, name: str, *, now: float) -> "Stay":
        """Begin anew where the roll does: it was silent for too long, or Redis was emptied."""
        since = next((member.since for member in roll.members if member.name == name), -1)
        return self if since == self.since else Stay(since, now)

    def lasts(self, length: timedelta, *, now: float) -> bool:
        """Tell whether it has been there for so long."""
        return now - self.begun >= length.total_seconds()


def assembles_in(ready_after: timedelta = READY_AFTER, renew: timedelta = RENEW) -> timedelta:
    """Say how long after Redis was emptied its owners are known again, by roll and by lease.

    A renewal that hung, and the next one: so long a newcomer takes nothing that Redis does not
    know. Who need not be ready for any time is alone by the word of its supervisor.
    """
    return max(ready_after, renew + CALL) if ready_after else timedelta(0)


def beat(found: Mapping[str, Member], me: Member, *, silent: int, forget: int) -> Roll:
    """Note that a member lives, and strike out who was silent for too long; ms. `beat.lua`.

    Who was silent itself for more than `silent` begins anew.
    """
    now, before = me.seen, found.get(me.name)
    others = (one for one in found.values() if one.name != me.name and now - one.seen <= forget)
    goes_on = before is not None and now - before.seen <= silent
    mine = replace(me, since=before.since if before is not None and goes_on else now)
    return Roll(now, (*others, mine))


def eligible(
    roll: Roll, *, ready_after: timedelta = READY_AFTER, alive_within: timedelta = TTL
) -> dict[str, float]:
    """Name who may own things, with their weights: alive, ready long enough and not draining.

    Who is alone on the roll takes nothing from anybody, and so need not be ready for long: after
    a restart on one machine the music goes on at once. What Redis does not know may yet be
    another's, who was struck out with it (`assembles_in`).
    """
    ready, alive = (round(span / timedelta(milliseconds=1)) for span in (ready_after, alive_within))
    living = [
        member
        for member in roll.members
        if roll.now - member.seen <= alive and not member.draining and member.weight > 0
    ]
    return {
        member.name: member.weight
        for member in living
        if roll.now - member.since >= ready or len(living) == 1
    }
