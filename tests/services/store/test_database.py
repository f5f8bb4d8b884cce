from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import text

from legato.errors import Unavailable
from legato.settings import Secret
from legato.store.database import Database
from legato.store.settings import StoreSettings


async def test_a_server_that_is_away_is_unavailable_and_shows_no_password():
    database = Database(
        StoreSettings(database_url=Secret("postgresql://legato:hunter2@127.0.0.1:1/legato"))
    )
    with pytest.raises(Unavailable) as raised:
        async with database.session() as session:
            await session.execute(text("SELECT 1"))

    assert "postgres is unavailable" in str(raised.value)
    assert "hunter2" not in str(raised.value)
    await database.close()


async def test_a_wrong_password_is_unavailable_too(database_url):
    head, _, tail = database_url.partition("@")
    wrong = f"{head.rpartition(':')[0]}:hunter2@{tail}"
    database = Database(StoreSettings(database_url=Secret(wrong)))
    with pytest.raises(Unavailable, match="password authentication failed"):
        async with database.session() as session:
            await session.execute(text("SELECT 1"))
    await database.close()


async def test_a_statement_prepares_nothing_that_stays(database):
    async with database.session() as session:
        for number in range(3):
            await session.execute(text("SELECT :n"), {"n": f"{number}"})
        left = await session.execute(
            text("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
        )
        named = left.scalar_one()

    # Only the one that asks.
    assert named <= 1


async def test_the_pool_is_measured(database):
    registry = CollectorRegistry()
    database.measure(registry, "api")
    async with database.session() as session:
        await session.execute(text("SELECT 1"))
        during = generate_latest(registry).decode()

    assert 'legato_api_database_connections{state="in_use"} 1.0' in during
    assert (
        'legato_api_database_connections{state="in_use"} 0.0' in generate_latest(registry).decode()
    )


async def test_the_check_tells_the_servers_version(database):
    assert (await database.check().probe()).startswith("18")


async def test_why_it_is_out_of_reach_is_said_in_words(database_url):
    few = StoreSettings(
        database_url=Secret(database_url),
        database_pool_size=1,
        database_pool_overflow=0,
        database_pool_timeout=timedelta(milliseconds=100),
        database_statement_timeout=timedelta(milliseconds=100),
    )
    database = Database(few)
    with pytest.raises(Unavailable, match="did not answer in time"):
        async with database.session() as session:
            await session.execute(text("SELECT pg_sleep(5)"))
    async with database.session() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(Unavailable, match="all connections to it are busy"):
            await database.check().probe()
    await database.close()
