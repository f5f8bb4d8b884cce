"""What is in the end: of every guild the books in Redis, what dashboards show, the history."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from legato import redis as legato_redis
from legato.audio.ledger import Kept, Ledger
from legato.audio.state import PlayerHead
from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.partitions import (
    DEFAULT_COUNT,
    DEFAULT_REGION,
    Partition,
    all_partitions,
)
from legato.overview import Overview
from legato_machine.conditions import NeverHappened, until
from legato_machine.machine import Machine
from legato_machine.oracle.findings import Failure
from legato_machine.oracle.model import FAILED, World

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Books:
    """All guilds at the end."""

    worlds: Mapping[int, World]
    done: frozenset[int]
    """The commands that were taken, by id."""
    shown: Mapping[int, int]
    """How many tracks wait, as dashboards are told."""
    failures: Sequence[Failure]


async def quiet(machine: Machine, *, timeout: float = 60.0) -> None:
    """Wait until no inbox holds anything that was not taken, and nothing is left to do outside."""
    client = legato_redis.connect(machine.redis_url)
    left: list[str] = []

    async def look() -> bool:
        left[:] = [said for one in _partitions(machine) for said in await _left(client, one)]
        return not left

    try:
        await until(look, what="everything is done", timeout=timeout)
    except NeverHappened as error:
        raise NeverHappened(f"{error}\n" + "\n".join(left[:_SHOWN])) from error
    finally:
        await client.aclose()


async def _left(client: legato_redis.Client, one: Partition) -> list[str]:
    """Say in a sentence each what a partition still has to do."""
    async with client.pipeline(transaction=False) as pipe:
        pipe.smembers(keys.pending(one))
        pipe.get(keys.position(one))
        pipe.xrevrange(keys.inbox(one), count=1)
        guilds, position, last = await pipe.execute()
    said = [] if _is_read(position, last) else [f"{one}: {position!r} of {last[0][0]!r}"]
    for guild in guilds:
        effects = await client.hkeys(keys.outbox(one, int(guild)))
        said.append(f"{one}: {int(guild)} has {effects}")
    return said


async def read(machine: Machine) -> Books:
    """Read it all."""
    client = legato_redis.connect(machine.redis_url)
    try:
        ledger = Ledger(client, ServerClock())
        books = [await ledger.load(one) for one in _partitions(machine)]
        rows = await Overview(client, bot=machine.bot_id).players()
    finally:
        await client.aclose()
    plays = await _ended(machine)
    ended: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for one in plays:
        ended[one.guild_id].append((one.item, one.reason))
    kept = {one.guild_id: one for book in books for one in book.guilds}
    return Books(
        worlds={
            guild: _world(kept.get(guild), ended.get(guild, ())) for guild in kept.keys() | ended
        },
        done=frozenset(number for book in books for number in book.seen),
        failures=[
            Failure(one.guild_id, one.item, one.began) for one in plays if one.reason == FAILED
        ],
        shown={int(row.guild_id): row.queue_length for row in rows},
    )


def _partitions(machine: Machine) -> tuple[Partition, ...]:
    return tuple(all_partitions(bot=machine.bot_id, region=DEFAULT_REGION, count=DEFAULT_COUNT))


def _is_read(position: bytes | None, last: list[tuple[bytes, object]]) -> bool:
    """Compare two entries' ids: time, and number."""
    return not last or _entry((position or b"0-0").split(b" ")[0]) >= _entry(last[0][0])


def _entry(raw: bytes) -> tuple[int, int]:
    time, _, number = raw.partition(b"-")
    return int(time), int(number)


def _world(kept: Kept | None, ended: Iterable[tuple[str, str]]) -> World:
    head = (kept.head if kept else None) or PlayerHead(guild_id=0)
    items = sorted(kept.items if kept else (), key=lambda item: item.rank)
    return World(
        there=head.voice.wanted is not None,
        current=head.play.item.id if head.play else None,
        queue=tuple(item.id for item in items),
        paused=head.paused,
        volume=head.volume,
        ended=frozenset(ended),
    )


@dataclass(frozen=True, slots=True)
class _Ended:
    guild_id: int
    item: str
    """A play is named after its command."""
    reason: str
    began: float


async def _ended(machine: Machine) -> list[_Ended]:
    """Read which plays are over, and why."""
    connection = await asyncpg.connect(machine.database_url)
    try:
        rows = await connection.fetch(
            "SELECT guild_id, play_id, end_reason, created_at FROM playback_history"
        )
    finally:
        await connection.close()
    ahead = time.time() - time.monotonic()
    return [
        _Ended(
            guild_id=row["guild_id"],
            item=row["play_id"].partition("-")[0],
            reason=row["end_reason"],
            began=row["created_at"].timestamp() - ahead,
        )
        for row in rows
    ]
