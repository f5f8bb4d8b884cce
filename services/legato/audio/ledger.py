"""A partition's books in Redis: one script commits a step, one call reads everything back.

Knows no rules of playing. Written by the lease's owner alone: a stale epoch can write nothing, and
a commit that is repeated, or comes late from a dead connection, changes nothing.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import msgspec

from legato.audio.effects import Effect
from legato.audio.state import PlayerHead
from legato.bus import BEGINNING
from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.partitions import Partition
from legato.contracts.tracks import QueueItem
from legato.leases import Lease
from legato.redis import Client, Script, reaching

Outcome = Literal["ok", "already", "fenced", "conflict"]

REMEMBERED = timedelta(minutes=15)
"""How long message ids are kept: as long as Discord's interaction tokens live."""

_CHUNK = 200
_OUTCOMES: dict[object, Outcome] = {
    b"ok": "ok",
    b"already": "already",
    b"fenced": "fenced",
    b"conflict": "conflict",
}


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition has come: the inbox entry last done, and how many commits there were."""

    entry: str = BEGINNING
    commits: int = 0

    def __str__(self) -> str:
        return f"{self.entry} {self.commits}" if self.commits else ""

    def then(self, entry: str | None) -> "Position":
        """Go on by one commit; None: it was no inbox entry."""
        return Position(entry or self.entry, self.commits + 1)

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read what `str` wrote."""
        entry, _, commits = text.partition(" ")
        return cls(entry, int(commits)) if commits else cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one step changes of one guild's books."""

    guild_id: int = 0
    head: PlayerHead | None = None
    """None: it stays as it is."""
    gone: bool = False
    """The player is forgotten; its outbox stays until it is settled."""
    put: Sequence[QueueItem] = ()
    remove: Sequence[str] = ()
    effects: Mapping[str, Effect] = field(default_factory=dict)
    settled: Sequence[str] = ()
    entry: str | None = None
    """The inbox entry it answers; None: it came from elsewhere."""
    seen: int | None = None
    seen_at: int = 0
    dead: bytes = b""
    """A message put aside, and why."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """One guild's books."""

    guild_id: int
    head: PlayerHead | None
    items: tuple[QueueItem, ...]
    outbox: dict[str, Effect]


@dataclass(frozen=True, slots=True)
class Books:
    """All that is kept of a partition."""

    position: Position
    alive_at: int
    seen: dict[int, int]
    node_sessions: dict[str, str]
    guilds: tuple[Kept, ...]


class Ledger:
    """The books of this process's partitions."""

    def __init__(self, redis: Client, clock: ServerClock) -> None:
        self._redis = redis
        self._clock = clock
        self._commit = Script("commit")
        self._attempt = Script("attempt")
        self._alive = Script("alive")
        self._node_session = Script("node_session")

    async def commit(self, lease: Lease, at: Position, to: Position, change: Change) -> Outcome:
        """Write one step; after Unavailable the same call may simply be made again."""
        partition = _partition(lease)
        oldest = self._clock.now() - round(REMEMBERED / timedelta(milliseconds=1))
        answer = await self._commit(
            self._redis,
            _commit_keys(partition, change.guild_id),
            *_fence(lease),
            str(at),
            str(to),
            change.entry or "",
            "" if change.seen is None else str(change.seen),
            change.seen_at,
            oldest,
            str(change.guild_id) if change.guild_id else "",
            _head(change),
            change.dead,
            change.why,
            *_lists(change),
        )
        return _OUTCOMES[answer]

    async def attempt(self, lease: Lease, entry: str) -> int:
        """Count that an entry's step begins, and return the count; 0: the lease is gone."""
        partition = _partition(lease)
        found = [keys.lease(partition), keys.attempts(partition)]
        answer = await self._attempt(self._redis, found, *_fence(lease), entry)
        return answer if isinstance(answer, int) else 0

    async def alive(self, lease: Lease) -> int | None:
        """Note the owner's life, and return the server's time; None: the lease is gone."""
        partition = _partition(lease)
        asked = time.monotonic()
        answer = await self._alive(
            self._redis, [keys.lease(partition), keys.alive(partition)], *_fence(lease)
        )
        if not isinstance(answer, bytes) or not answer:
            return None
        self._clock.heard(int(answer), asked=asked, answered=time.monotonic())
        return int(answer)

    async def keep_session(self, lease: Lease, node: str, session_id: str) -> bool:
        """Keep the Lavalink session on a node ("": forget it); False: the lease is gone."""
        partition = _partition(lease)
        found = [keys.lease(partition), keys.node_sessions(partition)]
        answer = await self._node_session(self._redis, found, *_fence(lease), node, session_id)
        return answer == 1

    async def load(self, partition: Partition) -> Books:
        """Read everything back; what is read is whole once the lease is held."""
        with reaching("load"):
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.get(keys.position(partition))
                pipe.get(keys.alive(partition))
                pipe.zrange(keys.seen(partition), 0, -1, withscores=True)
                pipe.hgetall(keys.node_sessions(partition))
                pipe.sunion([keys.guilds(partition), keys.pending(partition)])
                position, alive, seen, sessions, guilds = await pipe.execute()
            return Books(
                position=Position.parse((position or b"").decode()),
                alive_at=int(alive or 0),
                seen={int(one): int(at) for one, at in seen},
                node_sessions={
                    node.decode(): session.decode() for node, session in sessions.items()
                },
                guilds=await self._load_guilds(partition, sorted(int(one) for one in guilds)),
            )

    async def _load_guilds(self, partition: Partition, guilds: list[int]) -> tuple[Kept, ...]:
        kept: list[Kept] = []
        for start in range(0, len(guilds), _CHUNK):
            chunk = guilds[start : start + _CHUNK]
            async with self._redis.pipeline(transaction=False) as pipe:
                for guild in chunk:
                    pipe.get(keys.head(partition, guild))
                    pipe.hvals(keys.items(partition, guild))
                    pipe.hgetall(keys.outbox(partition, guild))
                rows = await pipe.execute()
            kept += [_kept(guild, rows[3 * n : 3 * n + 3]) for n, guild in enumerate(chunk)]
        return tuple(kept)


_heads = msgspec.json.Decoder(PlayerHead)
_items = msgspec.json.Decoder(QueueItem)
_effects: msgspec.json.Decoder[Effect] = msgspec.json.Decoder(Effect)
_encode = msgspec.json.Encoder().encode


def _kept(guild_id: int, rows: Sequence[object]) -> Kept:
    head, items, outbox = rows
    return Kept(
        guild_id=guild_id,
        head=_heads.decode(head) if isinstance(head, bytes) else None,
        items=tuple(_items.decode(item) for item in (items if isinstance(items, list) else ())),
        outbox={
            key.decode(): _effects.decode(effect)
            for key, effect in (outbox.items() if isinstance(outbox, dict) else ())
        },
    )


def _partition(lease: Lease) -> Partition:
    if not isinstance(lease.what, Partition):
        raise TypeError(f"{lease.what} is no partition")
    return lease.what


def _fence(lease: Lease) -> tuple[str, str]:
    return lease.owner, str(lease.epoch)


def _commit_keys(partition: Partition, guild_id: int) -> list[str]:
    return [
        keys.lease(partition),
        keys.position(partition),
        keys.seen(partition),
        keys.attempts(partition),
        keys.guilds(partition),
        keys.pending(partition),
        keys.dead(partition),
        keys.head(partition, guild_id),
        keys.items(partition, guild_id),
        keys.outbox(partition, guild_id),
    ]


def _head(change: Change) -> bytes:
    if change.gone:
        return b"-"
    return b"" if change.head is None else _encode(change.head)


def _lists(change: Change) -> Iterable[str | bytes | int]:
    yield len(change.put)
    for item in change.put:
        yield from (item.id, _encode(item))
    yield len(change.remove)
    yield from change.remove
    yield len(change.effects)
    for key, effect in change.effects.items():
        yield from (key, _encode(effect))
    yield len(change.settled)
    yield from change.settled
