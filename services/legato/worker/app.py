"""Puts the worker together: a long-running one with a schedule, or one run of one job."""

import asyncio
import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from legato import health_pages, redis, resilience, serve, telemetry
from legato.health import Health
from legato.serve import Pages
from legato.store import schema
from legato.store.database import Database
from legato.telemetry import Tracing
from legato.worker import runner, schedule
from legato.worker.jobs.job import Means
from legato.worker.metrics import Metrics
from legato.worker.settings import Settings

WITHOUT_POSTGRES = "Jobs wait until it is back; nobody notices for days."
WITHOUT_REDIS = "Jobs that need it wait until it is back; nobody notices for days."

_log = telemetry.logger(__name__)


class App:
    """The worker service."""

    name = "worker"

    def __init__(self, settings: Settings, means: Means) -> None:
        self.member = settings.member
        self.registry = CollectorRegistry()
        self._settings = settings
        self._means = means
        self._metrics = Metrics(self.registry)
        self._tracing = Tracing(self.name, settings)
        redis.measure(means.redis, self.registry, self.name)
        means.database.measure(self.registry, self.name)
        self.health = Health(
            self.name,
            settings.member,
            checks=[
                means.database.check(without=WITHOUT_POSTGRES),
                redis.check(means.redis, critical=False, without=WITHOUT_REDIS),
            ],
            registry=self.registry,
        )
        self.pages = Pages(
            health_pages.application(self.health),
            listen=settings.listen,
            port=settings.worker_port,
            setting="WORKER_PORT",
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run each job now and then by its schedule; raises WrongSchema."""
        try:
            await serve.beside(self.pages, self.health, stop, self._work())
        finally:
            self.pages.close()
            await _close(self._means)
            await asyncio.to_thread(self._tracing.close)

    async def _work(self) -> None:
        check = functools.partial(schema.check, self._means.database)
        await resilience.until_available(check, what="postgres")
        self.health.ready = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat("cleanup", self._settings.cleanup_every))
            group.create_task(self._repeat("usage", self._settings.usage_every))
            group.create_task(self._repeat("limits", self._settings.limits_every))
            group.create_task(self._repeat("flags", self._settings.flags_every))

    async def _repeat(self, name: str, every: timedelta) -> None:
        """Run a job at once, since a laptop may have slept through its time; then by the clock."""
        once = functools.partial(runner.run, name, self._means, self._metrics)
        while True:
            with self._tracing.span(f"job {name}"):
                try:
                    said = await resilience.until_available(once, what=f"job {name}")
                except Exception:  # an edge: a job's bug must not end what runs beside it
                    _log.exception("job failed", job=name)
                else:
                    _log.info("job done", job=name, said=said)
            now = self._means.now()
            await asyncio.sleep((schedule.following(now, every) - now).total_seconds())


def build(
    settings: Settings,
    *,
    redis_client: redis.Client | None = None,
    database: Database | None = None,
) -> App:
    """Put the service together; tests may bring their own connections."""
    return App(settings, _means(settings, _log_progress, redis_client, database))


async def run_job(settings: Settings, name: str, *, progress: Callable[[str], None]) -> str:
    """Run one job once, as `legato worker run` does; raises Unavailable or WrongSchema."""
    means = _means(settings, progress)
    try:
        await schema.check(means.database)
        return await runner.run(name, means, Metrics(CollectorRegistry()))
    finally:
        await _close(means)


def _means(
    settings: Settings,
    progress: Callable[[str], None],
    redis_client: redis.Client | None = None,
    database: Database | None = None,
) -> Means:
    return Means(
        settings=settings,
        database=database or Database(settings, name="legato-worker"),
        redis=redis_client or redis.connect(settings.redis_url, ca_file=settings.redis_ca_file),
        now=lambda: datetime.now(UTC),
        progress=progress,
    )


async def _close(means: Means) -> None:
    await means.redis.aclose()
    await means.database.close()


def _log_progress(line: str) -> None:
    _log.debug("progress", doing=line)
