"""Keys of the HTTP API: shown once when made, kept only as a hash.

A key is `legato_<id>_<secret>`; the secret has 256 random bits, so that a plain SHA-256 of it is
as good as a slow hash, and costs nothing on each request.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import func, insert, or_, select, update
from sqlmodel import col

from legato.settings import Secret
from legato.store.database import Database
from legato.store.tables import ApiKey

SCOPES = ("queue:read", "player:read")
"""What a key may be allowed."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid key allows."""

    id: str
    bot_id: int
    name: str
    scopes: tuple[str, ...]
    guild_ids: tuple[int, ...] | None
    """None = every guild of the bot."""
    requests_per_minute: int
    expires_at: datetime | None
    last_used_at: datetime | None

    def allows(self, scope: str, guild_id: int) -> bool:
        """Say whether the key reaches this far."""
        return scope in self.scopes and (self.guild_ids is None or guild_id in self.guild_ids)


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key is to allow."""

    name: str
    scopes: tuple[str, ...] = SCOPES
    guild_ids: tuple[int, ...] | None = None
    requests_per_minute: int = 120
    """Two a second: a dashboard that polls every guild it shows is well served."""
    valid: timedelta | None = None
    """None = until it is revoked."""


async def create(database: Database, bot_id: int, grant: Grant) -> tuple[Key, Secret]:
    """Make a key; the Secret is the only copy there will ever be of it."""
    key_id = secrets.token_hex(6)
    shown = f"legato_{key_id}_{secrets.token_urlsafe(32)}"
    statement = (
        insert(ApiKey)
        .values(
            id=key_id,
            bot_id=bot_id,
            name=grant.name,
            hash=_hash(shown),
            scopes=list(grant.scopes),
            guild_ids=None if grant.guild_ids is None else list(grant.guild_ids),
            requests_per_minute=grant.requests_per_minute,
            expires_at=None if grant.valid is None else func.now() + grant.valid,
        )
        .returning(ApiKey)
    )
    async with database.session() as session:
        return _key((await session.scalars(statement)).one()), Secret(shown)


async def find(database: Database, shown: str) -> Key | None:
    """Return a valid key, and note that it was used; None for a wrong, old or revoked one."""
    statement = (
        update(ApiKey)
        .where(
            col(ApiKey.hash) == _hash(shown),
            col(ApiKey.revoked_at).is_(None),
            or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > func.now()),
        )
        .values(last_used_at=func.now())
        .returning(ApiKey)
    )
    async with database.session() as session:
        row = (await session.scalars(statement)).first()
        return _key(row) if row else None


async def revoke(database: Database, key_id: str) -> bool:
    """Make a key useless; False where there is none, or it is so already."""
    statement = (
        update(ApiKey)
        .where(col(ApiKey.id) == key_id, col(ApiKey.revoked_at).is_(None))
        .values(revoked_at=func.now())
        .returning(col(ApiKey.id))
    )
    async with database.session() as session:
        return (await session.execute(statement)).first() is not None


async def all_keys(database: Database, bot_id: int) -> list[Key]:
    """Return a bot's keys that are not revoked, oldest first."""
    statement = (
        select(ApiKey)
        .where(col(ApiKey.bot_id) == bot_id, col(ApiKey.revoked_at).is_(None))
        .order_by(col(ApiKey.created_at))
    )
    async with database.session() as session:
        return [_key(row) for row in await session.scalars(statement)]


def _hash(shown: str) -> str:
    return hashlib.sha256(shown.encode()).hexdigest()


def _key(row: ApiKey) -> Key:
    return Key(
        id=row.id,
        bot_id=row.bot_id,
        name=row.name,
        scopes=tuple(row.scopes),
        guild_ids=None if row.guild_ids is None else tuple(row.guild_ids),
        requests_per_minute=row.requests_per_minute,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
