"""Partitions: the fixed slices of a bot's guilds. Pure: knows no Redis and no owner."""

import msgspec

DEFAULT_COUNT = 32
DEFAULT_REGION = "default"


class Partition(msgspec.Struct, frozen=True, order=True):
    """A slice of one bot's guilds of one home region, owned by one audio worker at a time."""

    bot: int
    region: str
    index: int

    @property
    def tag(self) -> str:
        """The hash tag all of its keys share, so that one script can touch them on a cluster."""
        return f"{{{self.bot}:{self.region}:p{self.index}}}"

    def __str__(self) -> str:
        return f"{self.bot}:{self.region}:p{self.index}"


class Shard(msgspec.Struct, frozen=True, order=True):
    """One Discord gateway session `[index, count]` of one bot."""

    bot: int
    index: int
    count: int

    @property
    def tag(self) -> str:
        """The hash tag all of its keys share."""
        return f"{{{self.bot}:s{self.index}of{self.count}}}"

    def __str__(self) -> str:
        return f"{self.bot}:s{self.index}of{self.count}"


def partition_of(guild_id: int, *, bot: int, region: str, count: int) -> Partition:
    """Name the partition of a guild, as Discord spreads guilds over shards."""
    return Partition(bot, region, (guild_id >> 22) % count)


def shard_of(guild_id: int, *, bot: int, count: int) -> Shard:
    """Name the shard of a guild: https://discord.com/developers/docs/events/gateway#sharding."""
    return Shard(bot, (guild_id >> 22) % count, count)


def all_partitions(*, bot: int, region: str, count: int) -> tuple[Partition, ...]:
    """Name every partition of one home region."""
    return tuple(Partition(bot, region, index) for index in range(count))
