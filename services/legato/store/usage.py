"""Daily figures, counted from the plays."""

from datetime import date

import msgspec
from sqlalchemy import select, text
from sqlmodel import col

from legato.store.database import Database
from legato.store.tables import DailyUsage

# The whole day anew each time: a second run writes the same figures.
_COUNT = text("""
INSERT INTO daily_usage AS d (bot_id, day, guild_id, plays, failures, requesters, heard_ms)
SELECT bot_id, CAST(:day AS date), guild_id, count(*),
  count(*) FILTER (WHERE end_reason IN ('loadFailed', 'stuck')),
  count(DISTINCT requester_id), coalesce(sum(heard_ms), 0)
FROM playback_history
WHERE created_at >= CAST(:day AS date)::timestamp AT TIME ZONE 'UTC'
  AND created_at < (CAST(:day AS date) + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY bot_id, guild_id
ON CONFLICT (bot_id, day, guild_id) DO UPDATE SET
  plays = excluded.plays, failures = excluded.failures,
  requesters = excluded.requesters, heard_ms = excluded.heard_ms
RETURNING d.guild_id
""")


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """One guild's figures of one day (UTC)."""

    day: date
    guild_id: int
    plays: int
    failures: int
    requesters: int
    heard: int
    """Milliseconds."""


async def count(database: Database, day: date) -> int:
    """Write the figures of one day in one statement; returns how many guilds had any."""
    async with database.session() as session:
        return len((await session.execute(_COUNT, {"day": day})).all())


async def of_guild(
    database: Database, bot_id: int, guild_id: int, *, limit: int = 31
) -> list[Usage]:
    """Return a guild's last days, newest first."""
    statement = (
        select(DailyUsage)
        .where(col(DailyUsage.guild_id) == guild_id, col(DailyUsage.bot_id) == bot_id)
        .order_by(col(DailyUsage.day).desc())
        .limit(limit)
    )
    async with database.session() as session:
        return [
            Usage(
                day=row.day,
                guild_id=row.guild_id,
                plays=row.plays,
                failures=row.failures,
                requesters=row.requesters,
                heard=row.heard_ms,
            )
            for row in await session.scalars(statement)
        ]
