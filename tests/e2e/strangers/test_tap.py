import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from strangers import tap
from strangers.tap import Tap
from support_waiting import until

HEADERS = {"Authorization": "secret", "User-Id": "7", "Client-Name": "client/1"}


class Node:
    """What a tap needs of a node: one session that REST knows for as long as its socket is open."""

    def __init__(self) -> None:
        self.open = False
        self.asked: list[tuple[str, str]] = []

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        socket.headers.update({"Session-Resumed": "false", "Lavalink-Api-Version": "4"})
        await socket.prepare(request)
        self.open = True
        await socket.send_json({"op": "ready", "sessionId": "abc", "resumed": False})
        async for _ in socket:
            continue
        self.open = False
        return socket

    async def rest(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "secret":
            return web.Response(status=401)
        self.asked.append((request.method, await request.text()))
        return web.json_response({"players": []}, status=200 if self.open else 404)


@asynccontextmanager
async def tapped() -> AsyncIterator[tuple[Node, Tap, aiohttp.ClientSession]]:
    node, application = Node(), web.Application()
    application.router.add_get("/v4/websocket", node.websocket)
    application.router.add_route("*", "/{path:.*}", node.rest)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with tap.before(url) as tapping, aiohttp.ClientSession() as http:
            yield node, tapping, http
    finally:
        await runner.cleanup()


async def test_what_is_said_is_passed_on_and_kept() -> None:
    async with tapped() as (node, tapping, http):
        socket = await http.ws_connect(f"{tapping.url}/v4/websocket", headers=HEADERS)
        ready = json.loads((await socket.receive()).data)
        path = f"{tapping.url}/v4/sessions/abc/players/1?noReplace=true"
        async with http.patch(path, data='{"volume": 5}', headers=HEADERS) as answer:
            answered = await answer.json()
        await socket.close()

    assert socket._response.headers["Session-Resumed"] == "false"
    assert ready["sessionId"] == "abc"
    assert node.asked == [("PATCH", '{"volume": 5}')]
    (exchange,) = tapping.exchanges
    assert (exchange.client, exchange.status) == ("client/1", 200)
    assert (exchange.query, exchange.sent) == ({"noReplace": "true"}, '{"volume": 5}')
    assert json.loads(exchange.answered) == answered == {"players": []}
    assert [json.loads(each.text)["op"] for each in tapping.messages] == ["ready"]


async def test_a_cut_reaches_the_client_when_the_node_has_let_go() -> None:
    async with tapped() as (node, tapping, http):
        socket = await http.ws_connect(f"{tapping.url}/v4/websocket", headers=HEADERS)
        await socket.receive()

        receiving = asyncio.create_task(socket.receive())
        await tapping.cut("7")

        assert not node.open
        message = await receiving
        assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        await until(lambda: tapping._lines == [], 60)


async def test_another_users_socket_stays() -> None:
    async with tapped() as (node, tapping, http):
        socket = await http.ws_connect(f"{tapping.url}/v4/websocket", headers=HEADERS)
        await socket.receive()

        await tapping.cut("8")

        assert node.open
        await socket.close()
