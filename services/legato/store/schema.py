"""Which schema the database has, which this release runs on, and the way from one to the other.

Expand, then contract: a release runs on a range, so that roll-outs and roll-backs work. A number
above NEWEST is refused only once a later release says that it contracted.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from legato.store.database import Database

OLDEST = 1
"""The oldest schema that this release runs on."""
NEWEST = 1
"""The schema that this release migrates to, and the newest that it knows to run on."""

_LOCK = 0x6C656761746F  # "legato"
_THERE = text("SELECT to_regclass('alembic_version')::text")
_VERSION = text("SELECT version_num FROM alembic_version")


class WrongSchema(Exception):
    """The database's schema is outside the range; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """What `migrate` did; 0 is an empty database."""

    before: int
    after: int

    def __str__(self) -> str:
        if self.before == self.after:
            return f"The schema is {self.after} already; nothing to do."
        return f"The schema went from {self.before} to {self.after}."


async def current(database: Database) -> int:
    """Return the number of the schema, 0 where there is none."""
    async with database.session() as session:
        return await _version(session)


async def check(database: Database) -> int:
    """Return the schema's number; raises WrongSchema where this release doesn't run on it."""
    found = await current(database)
    if problem := judge(found):
        raise WrongSchema(problem)
    return found


def judge(found: int, *, oldest: int = OLDEST, newest: int = NEWEST) -> str:
    """Say in a sentence why a schema won't do; "" where it does."""
    wanted = f"{oldest}" if oldest == newest else f"{oldest} to {newest}"
    if found == 0:
        return "The database is empty. Run: legato migrate"
    if found < oldest:
        return f"The database has schema {found}, this release needs {wanted}. Run: legato migrate"
    if found > newest:
        return (
            f"The database has schema {found}, this release runs on {wanted}. "
            "Start a newer release of Legato, or restore a backup from before the migration."
        )
    return ""


async def migrate(database: Database) -> Migrated:
    """Bring the schema to NEWEST, in one transaction; whoever comes second waits and does nothing.

    A newer schema is left alone: an older release may run on it.
    """
    from legato.store import migrating  # noqa: PLC0415  (slow to import, and only needed here)

    async with database.session() as session:
        # Of the transaction, not of the session, which behind PgBouncer isn't ours.
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        before = await _version(session)
        if before < NEWEST:
            connection = await session.connection()
            await connection.run_sync(migrating.upgrade, to=f"{NEWEST:04}")
        return Migrated(before, max(before, NEWEST))


async def _version(session: AsyncSession) -> int:
    """Read Alembic's table; Alembic itself takes a fifth of a service's start to import."""
    if await session.scalar(_THERE) is None:
        return 0
    return int(await session.scalar(_VERSION) or 0)
