"""The durations and limits that players live by. Pure: values with their reasons."""

import msgspec


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may tune; every time is in milliseconds."""

    max_queue: int = 1000
    """Places in one guild's queue, waiting slots counted."""
    resolve_within: int = 15_000
    """How long a query may take; then its slot is removed and the asker told."""
    patience: int = 3_000
    """How long resolved tracks wait behind a slot that is still being resolved."""
    leave_after: int = 300_000
    """How long the bot stays in a channel without people, or without music; 0 = for ever."""
    keep_for: int = 600_000
    """How long track and queue are kept after the bot left without being told to."""
    start_within: int = 30_000
    """A node that has track and voice for so long and plays nothing: the track counts as stuck."""
    max_failures: int = 5
    """So many tracks failed one after another: stop trying, the fault is not the tracks'."""
    max_restarts: int = 5
    """So many starts of one track without a second of it heard: it counts as failed."""
    max_rejoins: int = 5
    """So many voice connections lost one after another: leave."""
    voice_within: int = 30_000
    """No voice credentials for so long after asking: leave the channel and join again."""


DEFAULT = Rules()
