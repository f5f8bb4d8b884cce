"""What is kept of a person."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from legato.store.database import Database
from legato.store.tables import UserProfile


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How a person likes to be spoken to, and how much they asked for."""

    user_id: int
    locale: str
    plays: int = 0


async def note(database: Database, bot_id: int, people: Sequence[Profile]) -> None:
    """Say that people were here, in which language, and how many plays they asked for since."""
    rows = [
        {"bot_id": bot_id, "user_id": one.user_id, "locale": one.locale, "plays": one.plays}
        for one in sorted(people, key=lambda one: one.user_id)
    ]
    given = insert(UserProfile).values(rows)
    statement = given.on_conflict_do_update(
        index_elements=["bot_id", "user_id"],
        set_={
            "locale": given.excluded.locale,
            "plays": col(UserProfile.plays) + given.excluded.plays,
            "last_seen_at": func.now(),
        },
    )
    async with database.session() as session:
        await session.execute(statement)


async def load(database: Database, bot_id: int, user_id: int) -> Profile | None:
    """Return what is known of a person, if anything."""
    async with database.session() as session:
        row = await session.scalar(
            select(UserProfile).where(
                col(UserProfile.bot_id) == bot_id, col(UserProfile.user_id) == user_id
            )
        )
    if row is None:
        return None
    return Profile(user_id=row.user_id, locale=row.locale, plays=row.plays)
