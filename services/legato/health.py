"""A service's health: its checks, and what they come to. Knows no service and no HTTP."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Literal

import msgspec
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Gauge

from legato import outages, telemetry
from legato.errors import Unavailable
from legato.loop_lag import LIMIT, LoopLag
from legato.outages import Outages

Status = Literal["healthy", "degraded", "unhealthy"]

_FRESH_SECONDS = 1.0
_LOOK_SECONDS = 5.0
"""Between two looks that nobody asked for, so that metrics and times are true."""
_LAG = "event_loop"

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency: how to ask for it, and whether the service is of use without it."""

    name: str
    probe: Callable[[], Awaitable[str | None]]
    """Returns a detail worth showing, or None; raises when the dependency is not well."""
    critical: bool = True
    timeout: float = 2.0
    """Seconds; later is a failure."""
    without: str = ""
    """A sentence: what people notice while it is away."""


class Dependency(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one check."""

    status: Status
    latency_ms: float
    detail: str = ""
    since: str = ""
    """When it stopped being well, RFC 3339."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The body of /health."""

    status: Status
    service: str
    member: str
    version: str
    uptime_seconds: float
    dependencies: dict[str, Dependency]
    away: tuple[str, ...] = ()
    """What is not well, since when, and what it means: a sentence for each."""


class Health:
    """One service's checks, its loop's lag, and whether it is ready for work."""

    def __init__(
        self,
        service: str,
        member: str,
        *,
        checks: Sequence[Check],
        registry: CollectorRegistry,
        watched: Callable[[], Mapping[str, Dependency]] = dict,
    ) -> None:
        """`watched` tells the state of what is watched anyway, such as open connections."""
        self.service = service
        self.member = member
        self.registry = registry
        self.ready = False
        """Set by the service: True once it works, False again while it stops."""
        self.lag = LoopLag(registry)
        self.started = time.monotonic()
        self._checks = tuple(checks)
        self._without = {check.name: check.without for check in checks}
        self._outages = Outages(now=datetime.now(UTC))
        self._watched = watched
        self._asking = asyncio.Lock()
        self._last: tuple[float, Report] | None = None
        Gauge(
            "legato_started_timestamp_seconds", "When this process began", registry=registry
        ).set_to_current_time()
        self._up = Gauge(
            "legato_dependency_up", "1 = the check passed", ["dependency"], registry=registry
        )
        self._changed = Gauge(
            "legato_dependency_changed_timestamp_seconds",
            "When it went or came back last",
            ["dependency"],
            registry=registry,
        )

    @property
    def away(self) -> tuple[str, ...]:
        """Tell what was not well at the last look, without looking."""
        return self._last[1].away if self._last else ()

    async def report(self) -> Report:
        """Run every check at once; an answer of the last second is given again."""
        async with self._asking:
            if self._last and time.monotonic() - self._last[0] < _FRESH_SECONDS:
                return self._last[1]
            report = await self._ask()
            self._last = (time.monotonic(), report)
            return report

    async def run(self) -> None:
        """Measure the loop's lag, and look at the dependencies, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.lag.run())
            tasks.create_task(self._look())

    async def _look(self) -> None:
        while True:
            await self.report()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _ask(self) -> Report:
        found = await asyncio.gather(*(_probe(check) for check in self._checks))
        dependencies = dict(zip((check.name for check in self._checks), found, strict=True))
        dependencies |= self._watched()
        dependencies[_LAG] = self._lag()
        dependencies = self._with_times(dependencies)
        return Report(
            status=worst(dependencies.values()),
            service=self.service,
            member=self.member,
            version=version("legato"),
            uptime_seconds=round(time.monotonic() - self.started, 1),
            dependencies=dependencies,
            away=self._sentences(dependencies),
        )

    def _with_times(self, found: Mapping[str, Dependency]) -> dict[str, Dependency]:
        """Say since when each that is not well isn't; tell the metrics and the log."""
        now = datetime.now(UTC)
        away = {name: one.status != "healthy" for name, one in found.items()}
        for change in self._outages.note(away, now=now):
            lasted = round((now - change.since).total_seconds(), 1)
            why, event = found[change.name].detail, "away" if change.away else "back"
            _log.info(f"dependency {event}", dependency=change.name, why=why, after=lasted)
        for name, is_away in away.items():
            if name != _LAG:
                self._up.labels(name).set(not is_away)
                self._changed.labels(name).set(self._outages.changed(name).timestamp())
        return {
            name: replace(one, since=f"{since:%Y-%m-%dT%H:%M:%SZ}")
            if (since := self._outages.since(name))
            else one
            for name, one in found.items()
        }

    def _sentences(self, found: Mapping[str, Dependency]) -> tuple[str, ...]:
        now = datetime.now(UTC)
        return tuple(
            outages.sentence(name, one.detail, self._without.get(name, ""), since=since, now=now)
            for name, one in found.items()
            if (since := self._outages.since(name))
        )

    def _lag(self) -> Dependency:
        """One stall in ten seconds degrades, more are a failure."""
        most = self.lag.percentile(1)
        status: Status = "healthy"
        if self.lag.late:
            status = "degraded" if self.lag.late == 1 else "unhealthy"
        detail = f"over {LIMIT * 1000:.0f} ms" if self.lag.late else ""
        return Dependency(status=status, latency_ms=round(most * 1000, 1), detail=detail)


def worst(dependencies: Iterable[Dependency]) -> Status:
    """Return the status of the whole: that of its worst part."""
    found = {dependency.status for dependency in dependencies}
    if "unhealthy" in found:
        return "unhealthy"
    return "degraded" if "degraded" in found else "healthy"


async def _probe(check: Check) -> Dependency:
    began = time.perf_counter()
    status: Status = "healthy"
    try:
        async with asyncio.timeout(check.timeout):
            detail = await check.probe() or ""
    except TimeoutError:
        status, detail = _failed(check), f"no answer in {check.timeout:g} s"
    except Unavailable as error:
        status, detail = _failed(check), telemetry.without_secrets(error.why or str(error))
    except Exception as error:  # an edge: whatever a probe raises is its finding
        status, detail = _failed(check), telemetry.without_secrets(str(error) or repr(error))
    took = (time.perf_counter() - began) * 1000
    return Dependency(status=status, latency_ms=round(took, 1), detail=detail)


def _failed(check: Check) -> Status:
    return "unhealthy" if check.critical else "degraded"
