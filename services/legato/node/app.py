"""The node's wiring: the only place where its parts meet."""

import asyncio
import ssl
import sys
from collections.abc import Mapping

import aiohttp
from aiohttp import web

from legato import lifecycle, telemetry
from legato import settings as environment
from legato.node import client_socket
from legato.node.children import favour, open_many
from legato.node.engine import Engine
from legato.node.node import Node
from legato.node.players import Surroundings
from legato.node.rest import edge, info, players, routeplanner, tracks
from legato.node.settings import NodeSettings

LARGEST_BODY = 4 * 1024 * 1024
_log = telemetry.logger(__name__)


class NodeService:
    """A node that runs until it is told to stop."""

    name = "node"

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self.member = settings.member
        self.port = 0
        self.ready = asyncio.Event()
        self._failure: str | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; raises RuntimeError when a process it can't do without is gone."""
        engine = Engine(self.settings, lambda why: self._lost(why, stop))
        try:
            await engine.start()
            if self._failure is not None:
                raise RuntimeError(self._failure)
            # Each voice connection keeps its own for as long as it lasts: no common bound.
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
                await self._serve(engine, http, stop)
        finally:
            engine.close()
        if self._failure is not None:
            raise RuntimeError(self._failure)

    async def _serve(
        self, engine: Engine, http: aiohttp.ClientSession, stop: asyncio.Event
    ) -> None:
        around = Surroundings(
            engine=engine,
            http=http,
            tls=ssl.create_default_context(),
            voice_timeout=self.settings.voice_timeout,
            stuck_threshold=self.settings.stuck_threshold,
            group_timeout=self.settings.group_timeout,
        )
        node = Node(self.settings, around)
        runner = web.AppRunner(_application(node), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, self.settings.listen, self.settings.port)
        clock = asyncio.create_task(node.keep_time())
        try:
            await site.start()
            self.port = runner.addresses[0][1]
            self.ready.set()
            _log.info("ready", host=self.settings.listen, port=self.port)
            await stop.wait()
        finally:
            clock.cancel()
            await asyncio.wait([clock])
            await node.close()
            await runner.cleanup()

    def _lost(self, why: str, stop: asyncio.Event) -> None:
        self._failure = why
        stop.set()


def build(settings: NodeSettings) -> NodeService:
    """Build a node."""
    return NodeService(settings)


def main(environ: Mapping[str, str]) -> int:
    """Run a node as this process; gives its exit code."""
    try:
        settings = environment.load(NodeSettings, environ)
    except environment.WrongSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    telemetry.set_up(settings)
    # Its children inherit both: who else needs the processor waits, and the music does not.
    favour()
    open_many()
    asyncio.run(lifecycle.run(build(settings), stop_timeout=settings.stop_timeout))
    return 0


def _application(node: Node) -> web.Application:
    application = web.Application(
        middlewares=[edge.guard(node.settings)], client_max_size=LARGEST_BODY
    )
    for module in (client_socket, info, players, tracks):
        application.add_routes(module.routes(node))
    application.add_routes(routeplanner.routes())
    return application
