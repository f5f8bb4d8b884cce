"""A two-level cache: this process's memory over Redis, emptied by name when somebody writes.

Knows nothing of what it keeps. Without Redis it goes on with memory and the source.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

import msgspec
from prometheus_client import CollectorRegistry, Counter

from legato.contracts import keys
from legato.errors import Unavailable
from legato.redis import Client, reaching

T = TypeVar("T")

QUEUE = timedelta(seconds=30)
"""Of a stored queue: as long as a page may show the past when an invalidation was lost."""
FLAGS = timedelta(minutes=5)
"""Of the feature flags: they change by hand, and are asked for with every command."""

_MOST = 10_000
_LISTEN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """Something worth keeping: its name, its type, how long, and where it comes from."""

    name: str
    kind: type[T]
    ttl: timedelta
    load: Callable[[], Awaitable[T]]
    shared: bool = True
    """False: it comes from Redis itself, so that a second copy there would save nothing."""


class Cache:
    """One process's cache of one bot's things."""

    def __init__(
        self,
        redis: Client,
        *,
        bot: int,
        registry: CollectorRegistry,
        component: str,
        most: int = _MOST,
    ) -> None:
        self._redis = redis
        self._bot = bot
        self._most = most
        self._memory: OrderedDict[str, tuple[float, object]] = OrderedDict()
        self._loading: dict[str, asyncio.Lock] = {}
        self._changes = 0
        self._reads = Counter(
            f"legato_{component}_cache_reads",
            "Reads by the level that answered: memory, redis, or the source (a miss)",
            ["level"],
            registry=registry,
        )

    async def read(self, source: Source[T]) -> T:
        """Return what is kept, else load and keep it; many askers at once load once."""
        kept = self._remembered(source)
        if kept is not None:
            return self._count("memory", kept)
        async with self._loading.setdefault(source.name, asyncio.Lock()):
            try:
                kept = self._remembered(source)
                return (
                    self._count("memory", kept) if kept is not None else await self._fetch(source)
                )
            finally:
                self._loading.pop(source.name, None)

    async def invalidate(self, *names: str) -> None:
        """Say that these have changed, after the change is written. Raises Unavailable."""
        for name in names:
            self.forget(name)
        with reaching("invalidate"):
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.delete(*(keys.cached(self._bot, name) for name in names))
                for name in names:
                    pipe.publish(keys.invalidated(self._bot), name)
                await pipe.execute()

    def forget(self, name: str) -> None:
        """Drop one thing from memory."""
        self._changes += 1
        self._memory.pop(name, None)

    def forget_all(self) -> None:
        """Drop everything from memory: invalidations may have been missed."""
        self._changes += 1
        self._memory.clear()

    async def follow(self) -> None:
        """Drop what others say has changed, until cancelled. Raises Unavailable."""
        async with self._redis.listening.pubsub(ignore_subscribe_messages=True) as listening:
            with reaching("invalidations"):
                await listening.subscribe(keys.invalidated(self._bot))
            self.forget_all()
            while True:
                with reaching("invalidations"):
                    told = await listening.get_message(timeout=_LISTEN_SECONDS)
                if told is not None:
                    self.forget(told["data"].decode())

    def _remembered(self, source: Source[T]) -> T | None:
        until, value = self._memory.get(source.name, (0.0, None))
        if not isinstance(value, source.kind) or until <= asyncio.get_running_loop().time():
            return None
        self._memory.move_to_end(source.name)
        return value

    async def _fetch(self, source: Source[T]) -> T:
        """Ask Redis, then the source; what was invalidated meanwhile is returned, not kept."""
        before = self._changes
        found = await self._from_redis(source) if source.shared else None
        if found is not None:
            value, left = found
            self._remember(source.name, value, left, before)
            return self._count("redis", value)
        value = await source.load()
        self._remember(source.name, value, source.ttl.total_seconds(), before)
        if source.shared and self._changes == before:
            await self._to_redis(source, value)
        return self._count("source", value)

    def _remember(self, name: str, value: object, seconds: float, before: int) -> None:
        if self._changes != before:
            return
        self._memory[name] = (asyncio.get_running_loop().time() + seconds, value)
        self._memory.move_to_end(name)
        while len(self._memory) > self._most:
            self._memory.popitem(last=False)

    async def _from_redis(self, source: Source[T]) -> tuple[T, float] | None:
        """Return the value and how many seconds it still holds."""
        key = keys.cached(self._bot, source.name)
        try:
            with reaching("cache"):
                async with self._redis.pipeline(transaction=True) as pipe:
                    pipe.get(key)
                    pipe.pttl(key)
                    raw, left = await pipe.execute()
            return (msgspec.json.decode(raw, type=source.kind), left / 1000) if raw else None
        except (Unavailable, msgspec.ValidationError):
            # A value of another release is as good as none.
            return None

    async def _to_redis(self, source: Source[T], value: T) -> None:
        ms = round(source.ttl / timedelta(milliseconds=1))
        try:
            with reaching("cache"):
                await self._redis.set(
                    keys.cached(self._bot, source.name), msgspec.json.encode(value), px=ms
                )
        except Unavailable:
            return

    def _count(self, level: str, value: T) -> T:
        self._reads.labels(level).inc()
        return value
