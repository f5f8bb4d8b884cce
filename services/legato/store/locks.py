"""Locks of PostgreSQL's that one job holds while it runs, so that no two run at once."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from legato.store.database import Database


@asynccontextmanager
async def held(database: Database, name: str) -> AsyncIterator[bool]:
    """Hold a named lock inside, or say False at once where somebody else does.

    It belongs to a transaction kept open meanwhile, so it works behind PgBouncer and is let go
    whatever happens to us.
    """
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    async with database.session() as session:
        taken = await session.execute(
            text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": number}
        )
        yield bool(taken.scalar_one())
