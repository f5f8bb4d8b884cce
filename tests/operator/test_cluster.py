"""Reads that take turns, at a server that keeps every one of them waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from kubernetes.aio import client

from legato_operator.cluster import READS_AT_ONCE, Cluster
from support_waiting import until


@dataclass
class Server:
    """Answers lists once it may, and everything else at once."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.endswith("/services"):
            self.waiting += 1
            await self.open.wait()
        one = {"metadata": {"name": "one"}}
        return web.json_response({"metadata": {"resourceVersion": "7"}, "items": [one]})


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Cluster]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    said = client.Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}")
    said.connection_pool_maxsize = 0
    try:
        async with client.ApiClient(said) as api:
            yield Cluster(api)
    finally:
        await runner.cleanup()


async def test_reads_take_turns_and_the_lease_does_not_wait_for_them() -> None:
    server = Server()
    async with serving(server) as cluster, asyncio.TaskGroup() as group:
        for _ in range(READS_AT_ONCE + 5):
            group.create_task(cluster.listed("Service", "music"))
        await until(lambda: server.waiting == READS_AT_ONCE)

        assert await cluster.resource("Lease", "music", "legato-operator")
        assert server.waiting == READS_AT_ONCE

        server.open.set()
    assert server.waiting == READS_AT_ONCE + 5
