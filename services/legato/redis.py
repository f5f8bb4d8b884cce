"""How Redis is reached, and its scripts: the only module that imports the redis library.

A client never repeats a command by itself (redis-py 8 would, ten times): an append or a commit that
timed out may have happened, so its caller reads the outcome back instead.

Commands share a bounded number of connections; what waits at the server has one of its own each.
"""

import asyncio
import hashlib
import importlib.resources
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import exceptions
from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from legato.contracts import keys
from legato.errors import Unavailable
from legato.health import Check
from legato.protocol.lease import CALL
from legato.settings import Secret

CONNECTIONS = 64
"""For commands, at most: the server works them off one by one anyway. More commands wait for a
turn; unbounded, one stall of the event loop was measured to open 654 connections in 3 s."""
LISTENERS = 1 << 14
"""Connections of what waits at the server: a partition's inbox, questions, publications."""

_UNREACHABLE = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
    OSError,
)

_REFUSALS = {
    "command not allowed when used memory": "its memory is full",
    "MISCONF": "it can't write to its disk",
    "NOREPLICAS": "it has too few replicas",
}
"""How a server says that it takes no writes now: https://redis.io/docs/latest/operate/."""


class Client(Redis):
    """What every module that talks to Redis is given; answers are bytes."""

    listening: Redis
    """For commands that wait at the server (XREAD BLOCK, BRPOP) and for subscriptions."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close every connection."""
        await super().aclose(close_connection_pool)
        await self.listening.aclose(close_connection_pool)


def connect(
    url: Secret | str,
    *,
    ca_file: str = "",
    ca_data: str = "",
    timeout: timedelta = CALL,
    name: str = "",
) -> Client:
    """Make a client of `redis://`, `rediss://` or `unix://`; it connects when first used.

    `ca_data` is PEM, for who has no file; `name` is what the server's CLIENT LIST shows.
    """
    address = url.reveal() if isinstance(url, Secret) else url
    seconds = timeout.total_seconds()
    common: dict[str, object] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "client_name": name or None,
        # It reads its own package's description for every connection: 5 ms of a core each.
        "driver_info": None,
        # A feature of one vendor's server, asked for anew on every connection.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        **({"ssl_ca_certs": ca_file} if ca_file else {}),
        **({"ssl_ca_data": ca_data} if ca_data else {}),
    }
    commands = BlockingConnectionPool.from_url(
        address, max_connections=CONNECTIONS, timeout=seconds, **common
    )
    client = Client(connection_pool=commands)
    client.auto_close_connection_pool = True
    listeners = ConnectionPool.from_url(address, max_connections=LISTENERS, **common)
    client.listening = Redis.from_pool(listeners)
    return client


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Turn the library's errors about reachability into Unavailable; others are bugs.

    A cancellation that gets lost inside is raised at the end: the library sends by
    `asyncio.wait_for`, which may swallow one until Python 3.12
    (https://github.com/python/cpython/issues/86296).
    """
    asked = _cancellations()
    try:
        yield
    except _UNREACHABLE as error:
        raise Unavailable("redis", f"{_why(error)} ({what})" if what else _why(error)) from error
    except exceptions.ResponseError as error:
        if not (why := _refusal(error)):
            raise
        raise Unavailable("redis", f"{why} ({what})" if what else why) from error
    if _cancellations() > asked:
        raise asyncio.CancelledError


def _why(error: Exception) -> str:
    """Say what happened without the library's words, which name addresses and its own insides."""
    match error:
        case exceptions.AuthenticationError():
            return "it refuses the password"
        case exceptions.BusyLoadingError():
            return "it is still loading its data"
        case exceptions.ReadOnlyError():
            return "it is a replica, which may only be read"
        case exceptions.TimeoutError() | TimeoutError():
            return "it did not answer in time"
        case exceptions.ConnectionError() if "No connection available" in str(error):
            return "all connections to it are busy"
        case exceptions.ConnectionError() if isinstance(error.__context__, socket.gaierror):
            return "its host name is unknown"
        case exceptions.ConnectionError() | OSError():
            return "no connection to it"
        case _:
            return "its cluster is not ready"


def _refusal(error: exceptions.ResponseError) -> str:
    """Say why a server that answers takes no writes; "" where that is not what it says."""
    text = str(error)
    return next((why for word, why in _REFUSALS.items() if word in text), "")


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def check(client: Client, *, critical: bool = True, without: str = "") -> Check:
    """Ask the server for its version, and whether it takes writes."""

    async def version() -> str:
        with reaching(""):
            async with client.pipeline(transaction=False) as pipe:
                pipe.set(keys.health(), "asked", ex=60)
                pipe.info("server")
                _, found = await pipe.execute()
        return str(found.get("valkey_version") or found["redis_version"])

    return Check("redis", version, critical=critical, without=without)


def measure(client: Client, registry: CollectorRegistry, component: str) -> None:
    """Publish how many connections there are, and for what."""
    registry.register(_Connections(client, component))


class _Connections(Collector):
    """Counts connections when Prometheus asks."""

    def __init__(self, client: Client, component: str) -> None:
        self._client = client
        self._name = f"legato_{component}_redis_connections"

    def collect(self) -> Iterable[Metric]:
        """Return one gauge with a value per use and state."""
        family = GaugeMetricFamily(self._name, "Connections to Redis", labels=["use", "state"])
        for use, one in (("commands", self._client), ("listening", self._client.listening)):
            (idle, _), (in_use, _) = one.connection_pool.get_connection_count()
            family.add_metric([use, "idle"], idle)
            family.add_metric([use, "in_use"], in_use)
        yield family


class Script:
    """One Lua script of `legato/scripts`; sent whole once per server, then by its hash."""

    def __init__(self, name: str) -> None:
        """Read the script; raises FileNotFoundError where the package lacks it."""
        self.name = name
        self._text = (importlib.resources.files("legato") / "scripts" / f"{name}.lua").read_text()
        self._sha = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(
        self, client: Client, keys: Sequence[str], *args: str | bytes | int
    ) -> object:
        """Run it; raises Unavailable, after which it may or may not have run."""
        with reaching(self.name):
            try:
                answer: object = await client.evalsha(self._sha, len(keys), *keys, *args)
            except exceptions.NoScriptError:
                answer = await client.eval(self._text, len(keys), *keys, *args)
        return answer

    async def each(
        self, client: Client, calls: Sequence[tuple[Sequence[str], Sequence[str | bytes | int]]]
    ) -> list[object]:
        """Run it for each of some keys and arguments in one round trip; raises Unavailable.

        Where one alone fails, its answer is what a call would raise.
        """
        with reaching(self.name):
            async with client.pipeline(transaction=False) as pipe:
                for keys, args in calls:
                    pipe.evalsha(self._sha, len(keys), *keys, *args)
                answers: list[object] = await pipe.execute(raise_on_error=False)
        for place, (keys, args) in enumerate(calls):
            if isinstance(answers[place], Exception):
                answers[place] = await self._alone(client, keys, args, answers[place])
        return answers

    async def _alone(
        self,
        client: Client,
        keys: Sequence[str],
        args: Sequence[str | bytes | int],
        failed: object,
    ) -> object:
        """Say what a call alone would raise; where the script was not known, run it."""
        try:
            with reaching(self.name):
                if isinstance(failed, exceptions.NoScriptError):
                    answer: object = await client.eval(self._text, len(keys), *keys, *args)
                    return answer
                if isinstance(failed, Exception):
                    raise failed
                return failed
        except (Unavailable, exceptions.RedisError) as error:
            return error
