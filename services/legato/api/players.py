"""Players as the API sees them: live from Redis, else as PostgreSQL last had them."""

import msgspec

from legato.cache import QUEUE, Cache, Source
from legato.contracts import keys, partitions
from legato.contracts.tracks import NowPlaying, QueueItem
from legato.errors import Unavailable
from legato.layout import Layout
from legato.redis import Client, reaching
from legato.store import queues
from legato.store.database import Database
from legato.store.queues import StoredPlayer


class _Found(msgspec.Struct, frozen=True):
    """What the cache keeps: also that there is no player."""

    player: StoredPlayer | None


class Players:
    """One bot's players."""

    def __init__(
        self, redis: Client, database: Database, cache: Cache, *, bot: int, region: str
    ) -> None:
        self._redis = redis
        self._database = database
        self._cache = cache
        self._bot = bot
        self._region = region
        self._layout = Layout(redis, bot)

    async def live(self, guild_id: int) -> NowPlaying | None:
        """Return what a guild hears now; None where nothing runs or Redis can't be asked."""
        try:
            with reaching("live state"):
                raw = await self._redis.get(keys.live(self._bot, guild_id))
        except Unavailable:
            return None
        return msgspec.json.decode(raw, type=NowPlaying) if raw else None

    async def live_queue(self, guild_id: int) -> tuple[QueueItem, ...] | None:
        """Return the queue of a running player in its order; None where none runs."""
        try:
            with reaching("live queue"):
                async with self._redis.pipeline(transaction=False) as pipe:
                    pipe.exists(keys.live(self._bot, guild_id))
                    pipe.hget(keys.homes(self._bot), str(guild_id))
                    runs, home = await pipe.execute()
                if not runs:
                    return None
                region = home.decode() if home else self._region
                partition = partitions.partition_of(
                    guild_id,
                    bot=self._bot,
                    region=region,
                    count=await self._layout.partitions(region),
                )
                raw = await self._redis.hvals(keys.items(partition, guild_id))
        except Unavailable:
            return None
        items = [msgspec.json.decode(item, type=QueueItem) for item in raw]
        return tuple(sorted(items, key=lambda item: item.rank))

    async def stored(self, guild_id: int) -> StoredPlayer | None:
        """Return a player as last written down, at most 30 s late. Raises Unavailable."""

        async def load() -> _Found:
            found = await queues.load(self._database, self._bot, [guild_id])
            return _Found(found.get(guild_id))

        source = Source(f"queue:{guild_id}", _Found, QUEUE, load)
        return (await self._cache.read(source)).player
