"""The plays that ended."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from legato.store.database import Database
from legato.store.tables import PlaybackHistory


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """One play that ended."""

    bot_id: int
    guild_id: int
    play_id: str
    requester_id: int | None = None
    title: str
    uri: str | None = None
    source_name: str = "http"
    length: int = 0
    """Milliseconds of the track."""
    heard: int = 0
    """Milliseconds that were played."""
    end_reason: str
    """finished, skipped, stopped, replaced, loadFailed or stuck."""
    started_at: datetime
    """Aware."""


async def add(database: Database, plays: Sequence[Play]) -> int:
    """Write plays in one statement; one that is there already is left as it is."""
    if not plays:
        return 0
    statement = (
        insert(PlaybackHistory)
        .values([_row(play) for play in plays])
        .on_conflict_do_nothing(index_elements=["bot_id", "play_id"])
        .returning(col(PlaybackHistory.id))
    )
    async with database.session() as session:
        return len((await session.execute(statement)).all())


async def recent(database: Database, bot_id: int, guild_id: int, *, limit: int = 50) -> list[Play]:
    """Return a guild's last plays, newest first."""
    statement = (
        select(PlaybackHistory)
        .where(col(PlaybackHistory.guild_id) == guild_id, col(PlaybackHistory.bot_id) == bot_id)
        .order_by(col(PlaybackHistory.created_at).desc())
        .limit(limit)
    )
    async with database.session() as session:
        return [_play(row) for row in await session.scalars(statement)]


def _row(play: Play) -> dict[str, object]:
    return {
        "bot_id": play.bot_id,
        "guild_id": play.guild_id,
        "play_id": play.play_id,
        "requester_id": play.requester_id,
        "title": play.title,
        "uri": play.uri,
        "source_name": play.source_name,
        "length_ms": play.length,
        "heard_ms": max(play.heard, 0),
        "end_reason": play.end_reason,
        "created_at": play.started_at,
    }


def _play(row: PlaybackHistory) -> Play:
    return Play(
        bot_id=row.bot_id,
        guild_id=row.guild_id,
        play_id=row.play_id,
        requester_id=row.requester_id,
        title=row.title,
        uri=row.uri,
        source_name=row.source_name,
        length=row.length_ms,
        heard=row.heard_ms,
        end_reason=row.end_reason,
        started_at=row.created_at,
    )
