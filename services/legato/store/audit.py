"""Who changed what; written once, never changed."""

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from legato.store.database import Database
from legato.store.tables import AuditLog


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did."""

    event_id: str
    """Unique per bot, such as the interaction's id: the same deed is written once."""
    action: str
    """settings.changed, apikey.created, …"""
    actor_id: int | None = None
    """None = the operator of the machine."""
    guild_id: int | None = None
    detail: dict[str, object] = {}
    at: datetime | None = None
    """None = now, by the database's clock."""


async def add(database: Database, bot_id: int, entry: Entry) -> bool:
    """Write an entry; False where it is there already."""
    when = {} if entry.at is None else {"created_at": entry.at}
    statement = (
        insert(AuditLog)
        .values(
            bot_id=bot_id,
            guild_id=entry.guild_id,
            event_id=entry.event_id,
            actor_id=entry.actor_id,
            action=entry.action,
            detail=entry.detail,
            **when,
        )
        .on_conflict_do_nothing(index_elements=["bot_id", "event_id"])
        .returning(col(AuditLog.id))
    )
    async with database.session() as session:
        return (await session.execute(statement)).first() is not None


async def recent(database: Database, bot_id: int, guild_id: int, *, limit: int = 50) -> list[Entry]:
    """Return a guild's last entries, newest first."""
    statement = (
        select(AuditLog)
        .where(col(AuditLog.guild_id) == guild_id, col(AuditLog.bot_id) == bot_id)
        .order_by(col(AuditLog.created_at).desc(), col(AuditLog.id).desc())
        .limit(limit)
    )
    async with database.session() as session:
        return [_entry(row) for row in await session.scalars(statement)]


def _entry(row: AuditLog) -> Entry:
    return Entry(
        event_id=row.event_id,
        action=row.action,
        actor_id=row.actor_id,
        guild_id=row.guild_id,
        detail=row.detail,
        at=row.created_at,
    )
