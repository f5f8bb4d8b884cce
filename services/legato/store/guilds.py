"""Guilds' settings; each guild's partition is their only writer."""

from collections.abc import Collection

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from legato.contracts.settings import GuildSettings
from legato.store.database import Database
from legato.store.tables import GuildConfig


async def save(
    database: Database, bot_id: int, guild_id: int, settings: GuildSettings, *, epoch: int
) -> bool:
    """Write a guild's settings; False where a newer owner or version is there already."""
    values = {
        "dj_role_id": settings.dj_role_id,
        "default_volume": settings.default_volume,
        "epoch": epoch,
        "version": settings.version,
    }
    statement = insert(GuildConfig).values(bot_id=bot_id, guild_id=guild_id, **values)
    newest = statement.on_conflict_do_update(
        index_elements=["bot_id", "guild_id"],
        set_={**values, "updated_at": func.now()},
        where=tuple_(col(GuildConfig.epoch), col(GuildConfig.version))
        < tuple_(statement.excluded.epoch, statement.excluded.version),
    ).returning(col(GuildConfig.version))
    async with database.session() as session:
        return (await session.execute(newest)).first() is not None


async def load(
    database: Database, bot_id: int, guild_ids: Collection[int] | None = None
) -> dict[int, GuildSettings]:
    """Read the settings of these guilds, or of all; those with defaults only are left out."""
    statement = select(GuildConfig).where(col(GuildConfig.bot_id) == bot_id)
    if guild_ids is not None:
        statement = statement.where(col(GuildConfig.guild_id).in_(guild_ids))
    async with database.session() as session:
        return {row.guild_id: _settings(row) for row in await session.scalars(statement)}


def _settings(row: GuildConfig) -> GuildSettings:
    return GuildSettings(
        dj_role_id=row.dj_role_id, default_volume=row.default_volume, version=row.version
    )
