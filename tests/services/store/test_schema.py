import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from legato.settings import Secret
from legato.store import schema, tables
from legato.store.database import Database
from legato.store.settings import StoreSettings

TOO_NEW = (
    "The database has schema 6, this release runs on 3 to 5. "
    "Start a newer release of Legato, or restore a backup from before the migration."
)


@pytest.fixture
async def empty(empty_database_url):
    database = Database(StoreSettings(database_url=Secret(empty_database_url)))
    yield database
    await database.close()


def drift(connection: Connection) -> list[object]:
    """Say how the tables of a migrated database differ from what the code knows."""
    return compare_metadata(MigrationContext.configure(connection), tables.METADATA)


async def test_the_migrations_make_exactly_the_tables_that_the_code_knows(database):
    async with database.session() as session:
        connection = await session.connection()

        assert await connection.run_sync(drift) == []


async def test_migrating_twice_at_once_migrates_once(empty):
    outcomes = await asyncio.gather(*(schema.migrate(empty) for _ in range(3)))

    assert sorted(str(outcome) for outcome in outcomes) == [
        "The schema is 1 already; nothing to do.",
        "The schema is 1 already; nothing to do.",
        "The schema went from 0 to 1.",
    ]
    assert await schema.check(empty) == 1


async def test_an_empty_database_is_refused_with_what_to_run(empty):
    with pytest.raises(schema.WrongSchema, match="Run: legato migrate"):
        await schema.check(empty)


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (3, ""),
        (5, ""),
        (2, "The database has schema 2, this release needs 3 to 5. Run: legato migrate"),
        (6, TOO_NEW),
    ],
)
def test_a_schema_outside_the_range_is_refused(found, problem):
    assert schema.judge(found, oldest=3, newest=5) == problem
