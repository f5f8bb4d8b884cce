"""A span and a measurement around each request; knows no route."""

import time

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from legato.api.metrics import Metrics
from legato.telemetry import Tracing


class Watching(ASGIMiddleware):
    """Wraps every request; the caller's trace, if it names one, goes on."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, tracing: Tracing, metrics: Metrics) -> None:
        self._tracing = tracing
        self._metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on, and note what became of it."""
        status = 500
        began = time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method, route = str(scope.get("method", "")), scope.get("path_template", "")
        parent = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        with self._tracing.span(f"{method} {route}", parent=parent) as span:
            await next_app(scope, receive, noting)
            span.set_attribute("http.response.status_code", status)
        self._metrics.request_seconds.labels(method, route, status).observe(
            time.perf_counter() - began
        )
