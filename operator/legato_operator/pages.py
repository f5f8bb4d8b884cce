"""/healthz, /readyz and /metrics, on a small server of their own. Knows nothing of looks."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Fault = Callable[[], str]
"""Says what is wrong; empty = nothing."""


class NoPages(Exception):
    """They can't be served; the text says so in a sentence."""


class Pages:
    """What probes and Prometheus ask for."""

    def __init__(
        self, registry: CollectorRegistry, *, healthy: Fault, ready: Fault, listen: str, port: int
    ) -> None:
        self._registry = registry
        self._listen, self._port = listen, port
        app = web.Application()
        app.router.add_get("/healthz", _probe(healthy))
        app.router.add_get("/readyz", _probe(ready))
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._listen, self._port).start()
            await asyncio.Event().wait()
        except OSError as error:
            said = f"Can't listen on {self._listen}:{self._port} ({error.strerror})."
            raise NoPages(f"{said} Set OPERATOR_PORT to another port.") from error
        finally:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _probe(fault: Fault) -> Callable[[web.Request], "asyncio.Future[web.Response]"]:
    async def answer(_: web.Request) -> web.Response:
        said = fault()
        return web.Response(text=f"{said or 'ok'}\n", status=503 if said else 200)

    return answer  # type: ignore[return-value]
