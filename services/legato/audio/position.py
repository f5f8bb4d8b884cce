"""A player's own clock: which moment of a track is heard. Pure: time comes in as milliseconds.

The clock is an anchor (`at`, true at `since`) plus what has elapsed. A node's reports correct it
but never rule it: nodes report positions ahead of the sound, or from zero after a seek (see
https://github.com/lavalink-devs/lavaplayer for Ogg). What listeners are *shown* never goes back
without a seek; what is *believed* may, so that after a loss a little is heard twice and nothing
is skipped.
"""

import msgspec

PLAUSIBLE = 2_000
"""A report further off than this, where no stall explains it, is the node's error."""
JITTER = 100
"""Reports within this of our clock change nothing, and so need no commit."""
LOSS = 500
"""What a lost node may not have sent any more of what it reported."""


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
