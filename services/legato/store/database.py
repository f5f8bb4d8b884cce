"""The connection pool to PostgreSQL; safe behind PgBouncer. Knows no table and no query."""

import os
import re
import socket
import ssl
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import exc, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from legato.errors import Unavailable
from legato.health import Check
from legato.store.settings import StoreSettings

_CONNECT_SECONDS = 4.0
_CLASS = re.compile(r"^<class '[^']*'>:")
"""What SQLAlchemy writes before an error of asyncpg's."""
_UNREACHABLE = (
    exc.InterfaceError,
    exc.OperationalError,
    exc.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)
# Connection, login, no such database, deadlock, too many, shutting down:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES = {"08", "28", "3D", "40", "53", "57"}


class Database:
    """A pool of connections; connects when first used."""

    def __init__(self, settings: StoreSettings, *, name: str = "legato") -> None:
        """Take the settings, and the name that PostgreSQL shows for these connections."""
        address = make_url(settings.database_url.reveal())
        self.engine: AsyncEngine = create_async_engine(
            _without_options(address),
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_pool_overflow,
            pool_timeout=settings.database_pool_timeout.total_seconds(),
            pool_recycle=1800,
            connect_args={
                # PgBouncer hands each transaction another server connection: nothing prepared
                # may be expected to be there, nor its name to be free.
                # https://docs.sqlalchemy.org/en/20/dialects/postgresql.html#prepared-statement-name-with-pgbouncer
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": lambda: f"__legato_{uuid.uuid4().hex}__",
                "timeout": _CONNECT_SECONDS,
                "command_timeout": settings.database_statement_timeout.total_seconds(),
                "server_settings": {"application_name": name},
                **_tls(address, settings.database_ca_file),
            },
        )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction, committed at the end; raises Unavailable where there is no way."""
        with _reaching():
            session = AsyncSession(self.engine, expire_on_commit=False)
            async with session, session.begin():
                yield session

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    def check(self, *, critical: bool = True, without: str = "") -> Check:
        """Ask the server for its version, for /health and `legato doctor`."""
        return Check("postgres", self._version, critical=critical, without=without)

    async def _version(self) -> str:
        async with self.session() as session:
            found = await session.execute(text("SELECT current_setting('server_version')"))
            return str(found.scalar_one())

    def measure(self, registry: CollectorRegistry, component: str) -> None:
        """Publish how full the pool is."""
        registry.register(_PoolGauges(self.engine.pool, component))


class _PoolGauges(Collector):
    """Reads the pool when Prometheus asks."""

    def __init__(self, pool: object, component: str) -> None:
        self._pool = pool
        self._name = f"legato_{component}_database_connections"

    def collect(self) -> Iterable[Metric]:
        """Return one gauge with a value per state."""
        family = GaugeMetricFamily(self._name, "Connections to PostgreSQL", labels=["state"])
        if isinstance(self._pool, QueuePool | AsyncAdaptedQueuePool):
            family.add_metric(["in_use"], self._pool.checkedout())
            family.add_metric(["idle"], self._pool.checkedin())
            family.add_metric(["size"], self._pool.size())
        yield family


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except _UNREACHABLE as error:
        raise Unavailable("postgres", _why(error)) from error
    except exc.DBAPIError as error:
        if error.connection_invalidated or _state(error)[:2] in _STATES:
            raise Unavailable("postgres", _why(error)) from error
        raise


def _state(error: exc.DBAPIError) -> str:
    """Find PostgreSQL's own error in the chain, and return its code."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, asyncpg.PostgresError):
        cause = cause.orig if isinstance(cause, exc.DBAPIError) else cause.__cause__
    return str(cause.sqlstate) if cause is not None else ""


def _why(error: Exception) -> str:
    """Name the cause without the statement, which SQLAlchemy's own text repeats."""
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig else error
    if isinstance(cause, socket.gaierror):
        return "its host name is unknown"
    if isinstance(cause, exc.TimeoutError):
        return "all connections to it are busy"
    if isinstance(cause, TimeoutError):
        return "it did not answer in time"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    text = _CLASS.sub("", str(cause)).strip()
    return text.splitlines()[0] if text else type(cause).__name__


def _without_options(address: URL) -> URL:
    return address.set(drivername="postgresql+asyncpg", query={})


def _tls(address: URL, ca_file: str) -> dict[str, object]:
    """Translate libpq's sslmode: https://www.postgresql.org/docs/current/libpq-ssl.html."""
    mode = address.query.get("sslmode", "verify-full" if ca_file else "prefer")
    if ca_file and mode != "disable":
        context = ssl.create_default_context(cafile=ca_file)
        context.check_hostname = mode == "verify-full"
        return {"ssl": context}
    return {"ssl": mode}
