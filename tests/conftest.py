"""Real servers for every test that wants one: started once a run, emptied for each test."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import asyncpg
import hypothesis
import pytest

from legato import redis as reach
from legato.settings import Secret
from legato.store import schema
from legato.store.database import Database
from legato.store.settings import StoreSettings
from support_servers import running_postgres, running_valkey

hypothesis.settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("steady")  # what a busy machine does slowly is right all the same

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Run one Valkey for the whole run; REDIS_URL's form."""
    with running_valkey() as server:
        yield server.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[reach.Client]:
    """Connect to an emptied Valkey."""
    client = reach.connect(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Run one PostgreSQL for the whole run; tests take databases of their own from it."""
    with running_postgres() as server:
        yield server.url


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> str:
    """Migrate one database that each test's is cloned from."""

    async def make() -> None:
        await _execute(postgres_url, "CREATE DATABASE template_legato")
        url = _named(postgres_url, "template_legato")
        database = Database(StoreSettings(database_url=Secret(url)))
        await schema.migrate(database)
        await database.close()

    asyncio.run(make())
    return "template_legato"


@pytest.fixture
async def empty_database_url(postgres_url: str) -> AsyncIterator[str]:
    """Make a database without any table for one test; DATABASE_URL's form."""
    name = f"empty_{next(_numbers)}"
    await _execute(postgres_url, f"CREATE DATABASE {name}")
    yield _named(postgres_url, name)
    await _execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(postgres_url: str, template_database: str) -> AsyncIterator[str]:
    """Clone a migrated, empty database for one test; DATABASE_URL's form."""
    name = f"test_{next(_numbers)}"
    await _execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template_database}")
    yield _named(postgres_url, name)
    await _execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open a pool to a migrated, empty database."""
    opened = Database(StoreSettings(database_url=Secret(database_url)))
    yield opened
    await opened.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _named(url: str, database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"
