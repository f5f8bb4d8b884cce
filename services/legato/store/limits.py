"""Rate limits' policies and penalties, which the limiter reads."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from legato.store.database import Database
from legato.store.tables import RateLimit


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """So many at once, so many per period."""

    capacity: int
    period: timedelta
    """In which an empty bucket fills up."""
    reason: str = ""
    expires_at: datetime | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a bot now."""

    policies: dict[str, Rate]
    penalties: dict[tuple[str, str], Rate]
    """(policy, subject) -> the rate that holds for that subject until it expires."""


async def load(database: Database, bot_id: int) -> Limits:
    """Read a bot's policies, and the penalties that have not expired."""
    statement = select(RateLimit).where(
        col(RateLimit.bot_id) == bot_id,
        or_(col(RateLimit.expires_at).is_(None), col(RateLimit.expires_at) > func.now()),
    )
    async with database.session() as session:
        rows = list(await session.scalars(statement))
    return Limits(
        policies={row.policy: _rate(row) for row in rows if not row.subject},
        penalties={(row.policy, row.subject): _rate(row) for row in rows if row.subject},
    )


async def save(
    database: Database, bot_id: int, policy: str, rate: Rate, *, subject: str = ""
) -> None:
    """Set a policy, or with a subject a penalty; a penalty should say when it expires."""
    values = {
        "capacity": rate.capacity,
        "period_ms": round(rate.period / timedelta(milliseconds=1)),
        "reason": rate.reason,
        "expires_at": rate.expires_at,
    }
    statement = (
        insert(RateLimit)
        .values(bot_id=bot_id, policy=policy, subject=subject, **values)
        .on_conflict_do_update(index_elements=["bot_id", "policy", "subject"], set_=values)
    )
    async with database.session() as session:
        await session.execute(statement)


def _rate(row: RateLimit) -> Rate:
    return Rate(
        capacity=row.capacity,
        period=timedelta(milliseconds=row.period_ms),
        reason=row.reason,
        expires_at=row.expires_at,
    )
