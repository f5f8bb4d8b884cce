"""Counts what a piece of code asks of PostgreSQL and Redis, so that a test can name the number."""

import contextlib
from collections.abc import AsyncIterator, Iterator

from sqlalchemy import event

from legato import redis as reach
from legato.store.database import Database

_OF_CONNECTING = {"hello", "auth", "select", "client", "info", "config", "ping"}


@contextlib.contextmanager
def counted_statements(database: Database) -> Iterator[list[str]]:
    """Collect each SQL statement sent; what the driver does to connect is left out."""
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        statements.append(" ".join(statement.split()))

    engine = database.engine.sync_engine
    async_safe = (engine, "before_cursor_execute", note)
    event.listen(*async_safe)
    try:
        yield statements
    finally:
        event.remove(*async_safe)


@contextlib.asynccontextmanager
async def counted_commands(redis: reach.Client) -> AsyncIterator[dict[str, int]]:
    """Fill a dict with Redis's own count of commands, those of connecting left out."""
    calls: dict[str, int] = {}
    await redis.config_resetstat()
    yield calls
    for name, figures in (await redis.info("commandstats")).items():
        command = name.removeprefix("cmdstat_")
        if command.split("|")[0] not in _OF_CONNECTING:
            calls[command] = figures["calls"]
