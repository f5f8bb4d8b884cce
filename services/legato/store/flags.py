"""Feature flags' rows; who reads them goes through `legato.flags` and its cache."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from legato.contracts.flags import Flag
from legato.store.database import Database
from legato.store.tables import FeatureFlag

EVERY_BOT = 0


async def load(database: Database, bot_id: int) -> dict[str, Flag]:
    """Return a bot's flags; its own come before those of every bot."""
    statement = (
        select(FeatureFlag)
        .where(col(FeatureFlag.bot_id).in_([EVERY_BOT, bot_id]))
        .order_by(col(FeatureFlag.bot_id))
    )
    async with database.session() as session:
        return {
            row.name: Flag(name=row.name, percent=row.percent, guild_ids=tuple(row.guild_ids))
            for row in await session.scalars(statement)
        }


async def save(
    database: Database,
    name: str,
    *,
    percent: int,
    guild_ids: Collection[int] = (),
    bot_id: int = EVERY_BOT,
) -> None:
    """Set a flag; who does so publishes its name on keys.invalidated."""
    values = {"percent": percent, "guild_ids": sorted(guild_ids)}
    statement = (
        insert(FeatureFlag)
        .values(bot_id=bot_id, name=name, **values)
        .on_conflict_do_update(
            index_elements=["bot_id", "name"], set_={**values, "updated_at": func.now()}
        )
    )
    async with database.session() as session:
        await session.execute(statement)
