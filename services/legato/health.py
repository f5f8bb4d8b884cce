"""A service's health: its checks, and what they come to. Knows no service and no HTTP."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

import msgspec
from prometheus_client import CollectorRegistry, Gauge

from legato import telemetry
from legato.loop_lag import LIMIT, LoopLag

Status = Literal["healthy", "degraded", "unhealthy"]

_FRESH_SECONDS = 1.0
_LAG = "event_loop"


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency: how to ask for it, and whether the service is of use without it."""

    name: str
    probe: Callable[[], Awaitable[str | None]]
    """Returns a detail worth showing, or None; raises when the dependency is not well."""
    critical: bool = True
    timeout: float = 2.0
    """Seconds; later is a failure."""


class Dependency(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one check."""

    status: Status
    latency_ms: float
    detail: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The body of /health."""

    status: Status
    service: str
    member: str
    version: str
    uptime_seconds: float
    dependencies: dict[str, Dependency]


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
        self._watched = watched
        self._asking = asyncio.Lock()
        self._last: tuple[float, Report] | None = None
        self._up = Gauge(
            "legato_dependency_up", "1 = the check passed", ["dependency"], registry=registry
        )

    async def report(self) -> Report:
        """Run every check at once; an answer of the last second is given again."""
        async with self._asking:
            if self._last and time.monotonic() - self._last[0] < _FRESH_SECONDS:
                return self._last[1]
            report = await self._ask()
            self._last = (time.monotonic(), report)
            return report

    async def run(self) -> None:
        """Measure the loop's lag until cancelled."""
        await self.lag.run()

    async def _ask(self) -> Report:
        found = await asyncio.gather(*(_probe(check) for check in self._checks))
        dependencies = dict(zip((check.name for check in self._checks), found, strict=True))
        dependencies |= self._watched()
        for name, dependency in dependencies.items():
            self._up.labels(name).set(dependency.status == "healthy")
        dependencies[_LAG] = self._lag()
        return Report(
            status=worst(dependencies.values()),
            service=self.service,
            member=self.member,
            version=version("legato"),
            uptime_seconds=round(time.monotonic() - self.started, 1),
            dependencies=dependencies,
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
    except Exception as error:  # an edge: whatever a probe raises is its finding
        status, detail = _failed(check), telemetry.without_secrets(str(error) or repr(error))
    took = (time.perf_counter() - began) * 1000
    return Dependency(status=status, latency_ms=round(took, 1), detail=detail)


def _failed(check: Check) -> Status:
    return "unhealthy" if check.critical else "degraded"
