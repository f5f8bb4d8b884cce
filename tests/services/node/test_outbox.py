import asyncio

import aiohttp
import pytest
from aiohttp import web

from legato.node.outbox import Outbox
from support_waiting import until


class Server:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        end = web.WebSocketResponse()
        await end.prepare(request)
        async for message in end:
            self.heard.append(message.data)
        return end


@pytest.mark.asyncio
async def test_what_waits_goes_out_in_order_and_over_another_websocket() -> None:
    server, box = Server(), Outbox()
    application = web.Application()
    application.router.add_get("/", server.serve)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with aiohttp.ClientSession() as http:
        box.put("first")
        box.put(b"second")
        box.put("first")
        end = await http.ws_connect(url)
        delivering = asyncio.create_task(box.deliver(end))
        await until(lambda: server.heard == ["first", b"second"])
        box.put("third")
        await until(lambda: server.heard[2:] == ["third"])

        await end.close()
        box.put("fourth")
        await asyncio.wait([delivering])
        async with http.ws_connect(url) as other:
            again = asyncio.create_task(box.deliver(other))
            await until(lambda: server.heard[3:] == ["fourth"])
            again.cancel()
            await asyncio.wait([again])
    await runner.cleanup()
