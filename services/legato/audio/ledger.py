"""A partition's books in Redis: one script commits a step, one call reads everything back.

Knows no rules of playing. Written by the lease's owner alone: a stale epoch can write nothing, and
a commit that is repeated, or comes late from a dead connection, changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

import msgspec

from legato.audio.changes import Change, Commit, DeadLetter, Position
from legato.audio.effects import Effect
from legato.audio.lives import Lives
from legato.audio.state import PlayerHead
from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.partitions import Partition
from legato.contracts.tracks import QueueItem
from legato.leases import Lease
from legato.redis import Client, Script, reaching

T = TypeVar("T")
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
class Kept:
    """One guild's books."""

    guild_id: int
    head: PlayerHead | None
    items: tuple[QueueItem, ...]
    outbox: dict[str, Effect]


@dataclass(frozen=True, slots=True)
class Broken:
    """What of one guild's books can't be read, and the change that puts it aside."""

    change: Change
    letters: tuple[DeadLetter, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """All that is kept of a partition."""

    position: Position
    alive_at: int
    seen: dict[int, int]
    node_sessions: dict[str, str]
    guilds: tuple[Kept, ...]
    broken: tuple[Broken, ...] = ()


class Ledger:
    """The books of this process's partitions."""

    def __init__(self, redis: Client, clock: ServerClock) -> None:
        self._redis = redis
        self._clock = clock
        self._commit = Script("commit")
        self._attempt = Script("attempt")
        self._lives = Lives(redis, clock)
        self._node_session = Script("node_session")

    async def commit(self, lease: Lease, at: Position, to: Position, commit: Commit) -> Outcome:
        """Write all of it or nothing; after Unavailable the same call may simply be made again."""
        oldest = self._clock.now() - round(REMEMBERED / timedelta(milliseconds=1))
        answer = await self._commit(
            self._redis,
            _commit_keys(_partition(lease), commit),
            *_fence(lease),
            str(at),
            str(to),
            commit.entry or "",
            oldest,
            *_commit_args(commit),
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
        return await self._lives.note(lease)

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
            found = await self._load_guilds(partition, sorted(int(one) for one in guilds))
            return Books(
                position=Position.parse((position or b"").decode()),
                alive_at=int(alive or 0),
                seen={int(one): int(at) for one, at in seen},
                node_sessions={
                    node.decode(): session.decode() for node, session in sessions.items()
                },
                guilds=tuple(kept for kept, _ in found),
                broken=tuple(broken for _, broken in found if broken.letters),
            )

    async def _load_guilds(
        self, partition: Partition, guilds: list[int]
    ) -> list[tuple[Kept, Broken]]:
        found: list[tuple[Kept, Broken]] = []
        for start in range(0, len(guilds), _CHUNK):
            chunk = guilds[start : start + _CHUNK]
            async with self._redis.pipeline(transaction=False) as pipe:
                for guild in chunk:
                    pipe.get(keys.head(partition, guild))
                    pipe.hgetall(keys.items(partition, guild))
                    pipe.hgetall(keys.outbox(partition, guild))
                rows = await pipe.execute()
            found += [_kept(guild, rows[3 * n : 3 * n + 3]) for n, guild in enumerate(chunk)]
        return found


_heads = msgspec.json.Decoder(PlayerHead)
_items = msgspec.json.Decoder(QueueItem)
_effects: msgspec.json.Decoder[Effect] = msgspec.json.Decoder(Effect)
_encode = msgspec.json.Encoder().encode


def _kept(guild_id: int, rows: Sequence[object]) -> tuple[Kept, Broken]:
    """Read one guild's books, each part for itself: what is broken harms nothing else."""
    head, items, outbox = rows
    letters: list[DeadLetter] = []
    heads = _readable(_heads, {b"": head} if head is not None else {}, letters)
    queued = _readable(_items, items, letters)
    effects = _readable(_effects, outbox, letters)
    gone = None in heads.values()
    kept = Kept(
        guild_id=guild_id,
        head=heads.get(""),
        items=() if gone else tuple(item for item in queued.values() if item is not None),
        outbox={key: effect for key, effect in effects.items() if effect is not None},
    )
    change = Change(
        guild_id=guild_id,
        gone=gone,
        remove=[key for key, item in queued.items() if item is None],
        settled=[key for key, effect in effects.items() if effect is None],
    )
    return kept, Broken(change, tuple(letters))


def _readable(
    decoder: msgspec.json.Decoder[T], found: object, letters: list[DeadLetter]
) -> dict[str, T | None]:
    """Decode each; None for one that can't be, which becomes a letter."""
    read: dict[str, T | None] = {}
    for key, raw in found.items() if isinstance(found, dict) else ():
        try:
            read[key.decode()] = decoder.decode(raw)
        except msgspec.DecodeError as error:
            read[key.decode()] = None
            letters.append(DeadLetter(raw, str(error)))
    return read


def _partition(lease: Lease) -> Partition:
    if not isinstance(lease.what, Partition):
        raise TypeError(f"{lease.what} is no partition")
    return lease.what


def _fence(lease: Lease) -> tuple[str, str]:
    return lease.owner, str(lease.epoch)


def _commit_keys(partition: Partition, commit: Commit) -> list[str]:
    found = [
        keys.lease(partition),
        keys.position(partition),
        keys.seen(partition),
        keys.attempts(partition),
        keys.guilds(partition),
        keys.pending(partition),
        keys.dead(partition),
    ]
    for change in commit.changes:
        guild_id = change.guild_id
        found += (
            keys.head(partition, guild_id),
            keys.items(partition, guild_id),
            keys.outbox(partition, guild_id),
        )
    return found


def _commit_args(commit: Commit) -> Iterable[str | bytes | int]:
    yield len(commit.seen)
    for command, made_at in commit.seen.items():
        yield from (str(command), made_at)
    yield len(commit.dead)
    for letter in commit.dead:
        yield from (letter.message, letter.why)
    for change in commit.changes:
        yield from _change_args(change)


def _change_args(change: Change) -> Iterable[str | bytes | int]:
    yield from (str(change.guild_id), _head(change))
    yield len(change.put)
    for item in change.put:
        yield from (item.id, _encode(item))
    yield len(change.remove)
    yield from change.remove
    yield len(change.settled)
    yield from change.settled
    yield len(change.effects)
    for key, effect in change.effects.items():
        yield from (key, _encode(effect))


def _head(change: Change) -> bytes:
    if change.gone:
        return b"-"
    return b"" if change.head is None else _encode(change.head)
