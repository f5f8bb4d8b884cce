"""What a shard's owner leaves to the next: session, voice index, guild facts, open interactions.

Every write names the lease's epoch, so that a frozen owner can't write over its successor.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from legato.contracts import keys
from legato.contracts.partitions import Shard
from legato.gateway.shard_state import ShardState
from legato.leases import Lease
from legato.redis import Client, Script, reaching

DONE_KEPT = timedelta(minutes=15)
"""How long an action is known as done: longer than an interaction's token lives."""
_TOKENS_LIVE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Session:
    """What another process needs to RESUME."""

    session_id: str
    seq: int
    resume_url: str
    user_id: int


class OpenInteraction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An interaction that nobody answered yet; its token is a secret."""

    id: int
    application_id: int
    token: str
    received_at: int
    """Server ms."""
    is_button: bool = False
    hidden: bool = False


class Lost(Exception):
    """The lease is another's by now; nothing more may be written."""


class ShardStore:
    """One shard's keys."""

    def __init__(self, redis: Client, shard: Shard) -> None:
        self._redis = redis
        self._shard = shard
        self._write_hash = Script("shard_write")
        self._write_done = Script("acted")

    async def session(self) -> Session | None:
        """Read the session to resume."""
        with reaching("session"):
            found = await self._redis.hgetall(keys.gateway_session(self._shard))
        fields = {_text(name): _text(value) for name, value in found.items()}
        if not fields.get("session_id"):
            return None
        seq, user = int(fields["seq"]), int(fields["user_id"])
        return Session(fields["session_id"], seq, fields["resume_url"], user)

    async def save_session(self, lease: Lease, session: Session | None) -> None:
        """Write the session and its acknowledged seq, or forget it. Raises Lost, Unavailable."""
        key = keys.gateway_session(self._shard)
        if session is None:
            await self._write(lease, key, {}, ["*"])
            return
        fields = {
            "session_id": session.session_id,
            "seq": str(session.seq),
            "resume_url": session.resume_url,
            "user_id": str(session.user_id),
        }
        await self._write(lease, key, {k: v.encode() for k, v in fields.items()})

    async def load(self, state: ShardState) -> None:
        """Read the voice index and the guild facts. Raises Unavailable."""
        with reaching("voice index"):
            places = await self._redis.hgetall(keys.voice_index(self._shard))
            facts = await self._redis.hgetall(keys.guild_facts(self._shard))
        for guild, raw in places.items():
            state.voice[int(guild)] = _bytes(raw)
        for guild, raw in facts.items():
            state.facts[int(guild)] = _bytes(raw)

    async def save(
        self, lease: Lease, state: ShardState, *, voice: set[int], facts: set[int]
    ) -> None:
        """Write the named guilds as they are now. Raises Lost, Unavailable."""
        if voice:
            await self._write_some(lease, keys.voice_index(self._shard), state.voice, voice)
        if facts:
            await self._write_some(lease, keys.guild_facts(self._shard), state.facts, facts)

    async def _write_some(
        self, lease: Lease, key: str, known: Mapping[int, bytes], guilds: set[int]
    ) -> None:
        fields = {str(guild): known[guild] for guild in guilds if guild in known}
        await self._write(lease, key, fields, [str(g) for g in guilds if g not in known])

    async def note_open(
        self, lease: Lease, waiting: Iterable[OpenInteraction], answered: Iterable[int]
    ) -> None:
        """Note which interactions wait, and which no longer do. Raises Lost, Unavailable."""
        await self._write(
            lease,
            keys.open_interactions(self._shard),
            {str(one.id): msgspec.json.encode(one) for one in waiting},
            [str(number) for number in answered],
            kept=_TOKENS_LIVE,
        )

    async def open(self) -> list[OpenInteraction]:
        """List the interactions that the last owner left open."""
        with reaching("open interactions"):
            found = await self._redis.hvals(keys.open_interactions(self._shard))
        return [msgspec.json.decode(raw, type=OpenInteraction) for raw in found]

    async def position(self) -> str:
        """Tell up to where the inbox is done."""
        with reaching("position"):
            found = await self._redis.get(keys.position(self._shard))
        return _text(found) if found else "0-0"

    async def done(self) -> list[str]:
        """List the keys of the actions that were done lately. Raises Unavailable."""
        with reaching("seen"):
            found = await self._redis.zrange(keys.seen(self._shard), 0, -1)
        return [_text(key) for key in found if isinstance(key, bytes | str)]

    async def save_done(self, lease: Lease, position: str, done: Sequence[str]) -> None:
        """Note done actions, and the position ("" = unchanged). Raises Lost, Unavailable."""
        shard = self._shard
        answer = await self._write_done(
            self._redis,
            [keys.lease(shard), keys.position(shard), keys.seen(shard)],
            lease.owner,
            str(lease.epoch),
            position,
            round(DONE_KEPT / timedelta(milliseconds=1)),
            *done,
        )
        _still_ours(answer)

    async def _write(
        self,
        lease: Lease,
        key: str,
        fields: Mapping[str, bytes],
        gone: Sequence[str] = (),
        *,
        kept: timedelta = timedelta(),
    ) -> None:
        flat = [part for field, value in fields.items() for part in (field, value)]
        answer = await self._write_hash(
            self._redis,
            [keys.lease(self._shard), key],
            lease.owner,
            str(lease.epoch),
            round(kept / timedelta(milliseconds=1)),
            len(fields),
            *flat,
            *gone,
        )
        _still_ours(answer)


def _still_ours(answer: object) -> None:
    if not answer:
        raise Lost


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
