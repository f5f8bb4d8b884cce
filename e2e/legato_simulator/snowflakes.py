"""Discord's ids: milliseconds since 2015 and a counter. Time is an argument."""

EPOCH_MS = 1_420_070_400_000
"""https://discord.com/developers/docs/reference#snowflakes"""


class Snowflakes:
    """Makes ids that are unique and grow, also when many are made in one millisecond."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def make(self, wall: float) -> int:
        """Make the id of something that happens at `wall` seconds since 1970."""
        moment = (int(wall * 1000) - EPOCH_MS) << 22
        self.last = max(self.last + 1, moment)
        return self.last


def spread(index: int, wall: float) -> int:
    """Make the id of the n-th guild: one millisecond apart, so that shards fill evenly."""
    return (int(wall * 1000) - EPOCH_MS + index) << 22


def time_of(snowflake: int) -> float:
    """Say when something was made, in seconds since 1970."""
    return ((snowflake >> 22) + EPOCH_MS) / 1000


def shard_of(guild_id: int, shards: int) -> int:
    """Say which shard carries a guild (https://discord.com/developers/docs/events/gateway)."""
    return (guild_id >> 22) % shards
