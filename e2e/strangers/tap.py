"""Stands before a Lavalink node: passes everything on, keeps what was said, cuts websockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

PASSED_ON = ("Authorization", "User-Id", "Client-Name", "Session-Id", "Content-Type")
LOOK = 0.01
"""Seconds between two looks at a session that is to be let go."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as they were on the wire."""

    client: str
    method: str
    path: str
    query: dict[str, str]
    sent: str
    status: int
    answered: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the node."""

    client: str
    text: str


@dataclass(slots=True)
class _Line:
    """A client's websocket and the node's behind it."""

    user: str
    password: str
    client: web.WebSocketResponse
    node: aiohttp.ClientWebSocketResponse
    transport: asyncio.BaseTransport | None
    session: str = ""


@dataclass
class Tap:
    """What one node is reached through."""

    node: str
    """Its address."""
    http: aiohttp.ClientSession
    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    _lines: list[_Line] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)
    """What the owner of a session calls itself."""

    async def cut(self, user: str) -> None:
        """Break a user's websocket off: the node's end first, and the client's once it noticed."""
        for line in [each for each in self._lines if each.user == user]:
            connection = line.node._response.connection  # noqa: SLF001 - no public way
            if connection is not None and connection.transport is not None:
                connection.transport.abort()
            await self._left(line)
            if isinstance(line.transport, asyncio.Transport):
                line.transport.abort()

    async def _left(self, line: _Line) -> None:
        """Wait until the node knows that a client is gone: its session is no more for REST."""
        path = f"{self.node}/v4/sessions/{line.session}/players"
        async with asyncio.timeout(60):
            while True:
                async with self.http.get(path, headers={"Authorization": line.password}) as answer:
                    if answer.status == 404:
                        return
                await asyncio.sleep(LOOK)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on."""
        headers = {each: request.headers[each] for each in PASSED_ON if each in request.headers}
        if request.path == "/v4/websocket":
            return await self._websocket(request, headers)
        sent = await request.read()
        where = f"{self.node}{request.path_qs}"
        async with self.http.request(request.method, where, data=sent, headers=headers) as answer:
            body = await answer.read()
        self.exchanges.append(
            Exchange(
                self._name(request.path),
                request.method,
                request.path,
                dict(request.query),
                sent.decode(),
                answer.status,
                body.decode(),
            )
        )
        content = {"Content-Type": answer.headers.get("Content-Type", "text/plain")}
        return web.Response(status=answer.status, body=body, headers=content)

    def _name(self, path: str) -> str:
        """Say who asks, as far as the path tells."""
        found = (name for session, name in self._names.items() if f"/{session}" in path)
        return next(found, "")

    async def _websocket(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        try:
            node = await self.http.ws_connect(f"{self.node}/v4/websocket", headers=headers)
        except aiohttp.WSServerHandshakeError as refused:
            return web.Response(status=refused.status)
        client = web.WebSocketResponse()
        for name in ("Session-Resumed", "Lavalink-Api-Version"):
            client.headers[name] = node._response.headers[name]  # noqa: SLF001 - no public way
        await client.prepare(request)
        user, password = headers.get("User-Id", ""), headers.get("Authorization", "")
        line = _Line(user, password, client, node, request.transport)
        self._lines.append(line)
        name = headers.get("Client-Name", "")
        down = asyncio.create_task(self._pass_down(line, name))
        try:
            async for _ in client:
                continue
        finally:
            self._lines.remove(line)
            await node.close()
            await asyncio.wait([down])
        return client

    async def _pass_down(self, line: _Line, name: str) -> None:
        async for message in line.node:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            if not line.session:
                line.session = message.json()["sessionId"]
                self._names[line.session] = name
            self.messages.append(Message(name, message.data))
            try:
                await line.client.send_str(message.data)
            except ConnectionError:
                return


@asynccontextmanager
async def before(node: str) -> AsyncIterator[Tap]:
    """Serve a tap for a block."""
    async with aiohttp.ClientSession() as http:
        tap = Tap(node, http)
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", tap.serve)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            tap.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield tap
        finally:
            await runner.cleanup()
