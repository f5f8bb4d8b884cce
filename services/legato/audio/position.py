"""A player's own clock: which moment of a track is heard. Pure: time comes in as milliseconds.

The clock is an anchor (`at`, true at `since`) plus what has elapsed. A node's reports correct it
but never rule it: nodes report positions ahead of the sound, or from zero after a seek (see
https://github.com/lavalink-devs/lavaplayer for Ogg). What listeners are *shown* never goes back
without a seek; what is *believed* may, so that after a loss a little is heard twice and nothing
is skipped.
"""

import msgspec
from msgspec.structs import replace

PLAUSIBLE = 2_000
"""A report further off than this, where no stall explains it, is the node's error."""
JITTER = 100
"""Reports within this of our clock change nothing, and so need no commit."""
LOSS = 500
"""What a lost node may not have sent any more of what it reported; what a node may have sent that
Discord no longer took, until we were told."""
NEAR = 250
"""A report further ahead than this, soon after a seek, was made before it."""


class Clock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An anchor in a track."""

    at: int = 0
    """Position in ms..."""
    since: int | None = None
    """...at this moment; None: the clock stands."""
    floor: int = 0
    """The furthest position shown when a correction went back; shown until the sound is there."""
    sought: bool = False
    """A seek that no report has confirmed yet; until then only near reports count."""
    bound: int | None = None
    """After a take-over: where the old owner surely was; a restart goes there, not further."""


def moment(clock: Clock, *, now: int, length: int = 0) -> int:
    """Say which moment we believe is heard; `length` 0 is a stream's."""
    elapsed = 0 if clock.since is None else max(0, now - clock.since)
    position = clock.at + elapsed
    return min(position, length) if length else position


def shown(clock: Clock, *, now: int, length: int = 0) -> int:
    """Say the position that people see: it never goes back without a seek."""
    return max(moment(clock, now=now, length=length), clock.floor)


def run(clock: Clock, *, now: int) -> Clock:
    """Let a standing clock run from now on."""
    return clock if clock.since is not None else replace(clock, since=now)


def stand(clock: Clock, *, now: int, length: int = 0) -> Clock:
    """Stop a running clock where it is."""
    if clock.since is None:
        return clock
    return replace(clock, at=moment(clock, now=now, length=length), since=None)


def seek(clock: Clock, to: int, *, now: int) -> Clock:
    """Go to a moment; only reports near it count until one has."""
    return Clock(at=to, since=None if clock.since is None else now, sought=True)


def hold(clock: Clock, *, now: int, length: int = 0) -> Clock:
    """Stop where listeners surely were when Discord took no more; the node must go back there.

    A seek that no report has confirmed yet may never have been heard.
    """
    at = clock.at if clock.sought else max(0, moment(clock, now=now, length=length) - LOSS)
    return Clock(at=at, floor=shown(clock, now=now, length=length), sought=True)


def lose(clock: Clock, *, now: int, length: int = 0, told: int | None = None) -> Clock:
    """Stop where listeners surely were when the node went: a little twice, never skipped.

    A node that fell silent may have stopped at any time since it `told` its position. A bound was
    heard already: what the node may not have sent came after it.
    """
    position = moment(clock, now=now, length=length)
    position = max(0, position - LOSS) if told is None else min(position, told)
    if clock.bound is not None:
        position = min(position, clock.bound)
    return _back_to(clock, position, now, length)


def again(clock: Clock, *, now: int, length: int = 0) -> Clock:
    """Stop where a node that plays nothing any more must begin again."""
    return _back_to(clock, _sure(clock, now=now, length=length), now, length)


def at_most(clock: Clock, surely: int | None) -> Clock:
    """Go back to what was surely heard, where that is known."""
    return clock if surely is None else replace(clock, at=min(clock.at, surely))


def take_over(clock: Clock, *, alive_at: int, length: int = 0) -> Clock:
    """Let the clock run on under a new owner, remembering where the old one surely was."""
    return replace(clock, bound=moment(clock, now=alive_at, length=length))


def resume_at(clock: Clock, *, alive_at: int, length: int = 0) -> Clock:
    """Stop where the old owner surely was: node and owner ended together."""
    return replace(stand(clock, now=alive_at, length=length), bound=None)


def ended(clock: Clock, *, now: int, length: int) -> bool:
    """Tell whether a track that is no longer there has run to its end."""
    return length > 0 and moment(clock, now=now, length=length) >= length - PLAUSIBLE


def corrected(clock: Clock, heard: int, *, now: int, length: int = 0) -> Clock | None:
    """Set the clock by what a node reports for now; None if that isn't plausible.

    A node may fall behind (its source stalls) but not run ahead; and not before the anchor, except
    by what is in flight. After a seek only what is near counts: Ogg reports start at zero again,
    and what is ahead of it was said before.
    """
    believed = moment(clock, now=now)
    lowest = believed if clock.sought else min(clock.at, believed)
    ahead = NEAR if clock.sought and not _has_run(clock, now=now) else PLAUSIBLE
    if not lowest - PLAUSIBLE <= heard <= believed + ahead:
        return None
    settled = clock.bound is None and not clock.sought
    if settled and abs(heard - believed) <= JITTER:
        return clock
    since = None if clock.since is None else now
    floor = _floor(clock, now=now, length=length)
    at = max(0, heard)
    return Clock(at=at, since=since, floor=floor if floor > at else 0)


def found(clock: Clock, heard: int, *, now: int, length: int = 0) -> Clock | None:
    """Set a clock that stood though the node played: it may have got ahead by any time."""
    believed = moment(clock, now=now)
    if heard < believed or clock.sought or (length and heard > length + PLAUSIBLE):
        return corrected(clock, heard, now=now, length=length)
    return Clock(at=heard, since=clock.since, floor=clock.floor)


def _has_run(clock: Clock, *, now: int) -> bool:
    """Tell whether it runs for so long that reports of before its anchor have come."""
    return clock.since is not None and now - clock.since >= PLAUSIBLE


def _sure(clock: Clock, *, now: int, length: int) -> int:
    position = moment(clock, now=now, length=length)
    return position if clock.bound is None else min(position, clock.bound)


def _back_to(clock: Clock, at: int, now: int, length: int) -> Clock:
    return Clock(at=at, floor=_floor(clock, now=now, length=length))


def _floor(clock: Clock, *, now: int, length: int) -> int:
    """Say what was shown already; nobody was shown anything since the old owner ended."""
    if clock.bound is None:
        return shown(clock, now=now, length=length)
    return max(clock.floor, min(clock.bound, moment(clock, now=now, length=length)))
