"""What is old enough to go, table by table, in small bites so that nobody waits for a lock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import TextClause, text

from legato.store.database import Database

BITE = 1000
"""Rows a statement."""


@dataclass(frozen=True, slots=True)
class Old:
    """One kind of rows that may go after some time."""

    what: str
    statement: TextClause
    keep: timedelta


def _delete(table: str, condition: str) -> TextClause:
    # The names come from this module alone.
    return text(
        f"WITH gone AS (DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608
        f"SELECT ctid FROM {table} WHERE {condition} < now() - CAST(:keep AS interval) LIMIT :bite)"
        ") RETURNING 1) SELECT count(*) FROM gone"
    )


_PLAYS = _delete("playback_history", "created_at")
_AUDIT = _delete("audit_log", "created_at")
_PENALTIES = _delete("rate_limit", "expires_at")
_KEYS = _delete("api_key", "coalesce(revoked_at, expires_at)")
_PLAYERS = _delete(
    "queue",
    "track IS NULL AND NOT EXISTS (SELECT FROM queue_item AS i WHERE i.bot_id = queue.bot_id "
    "AND i.guild_id = queue.guild_id) AND updated_at",
)


def kinds(*, history: timedelta, audit: timedelta, players: timedelta) -> tuple[Old, ...]:
    """Say what may go, and after how long."""
    return (
        Old("plays", _PLAYS, history),
        Old("audit entries", _AUDIT, audit),
        Old("penalties", _PENALTIES, timedelta(days=1)),
        Old("API keys", _KEYS, timedelta(days=30)),
        Old("empty players", _PLAYERS, players),
    )


async def remove(database: Database, old: Old) -> AsyncIterator[int]:
    """Remove what is old, bite by bite; yields how many rows each took."""
    while True:
        async with database.session() as session:
            done = await session.execute(old.statement, {"keep": old.keep, "bite": BITE})
            count: int = done.scalar_one()
        if count:
            yield count
        if count < BITE:
            return
