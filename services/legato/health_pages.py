"""/health, /ready, /metrics and /performance of one service, for people, probes and Prometheus."""

import msgspec
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from legato import performance
from legato.health import Health, Report
from legato.performance import Performance


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The body of /ready."""

    ready: bool
    away: tuple[str, ...] = ()
    """What is not well; a service that is ready works on without it."""


def routes(health: Health) -> list[HTTPRouteHandler]:
    """Return the four pages."""

    @get("/health", include_in_schema=False)
    async def show_health() -> Response[Report]:
        report = await health.report()
        return Response(report, status_code=503 if report.status == "unhealthy" else 200)

    @get("/ready", include_in_schema=False)
    async def show_ready() -> Response[Ready]:
        found = Ready(ready=health.ready, away=health.away)
        return Response(found, status_code=200 if health.ready else 503)

    @get("/metrics", include_in_schema=False, sync_to_thread=False)
    def show_metrics() -> Response[bytes]:
        return Response(generate_latest(health.registry), media_type=CONTENT_TYPE_LATEST)

    @get("/performance", include_in_schema=False, sync_to_thread=False)
    def show_performance() -> Performance:
        return performance.measure(health.registry, health.lag, started=health.started)

    return [show_health, show_ready, show_metrics, show_performance]


def application(health: Health, *more: HTTPRouteHandler) -> Litestar:
    """Return an application of these pages, for a service that has no others."""
    return Litestar([*routes(health), *more], openapi_config=None, logging_config=None)
