"""A client's websocket: messages in order, pings, and the end of a peer that is silent."""

import asyncio
import itertools
from collections.abc import Callable

import aiohttp
from aiohttp import web

from legato import telemetry
from legato.node.errors import RequestError
from legato.node.node import Node
from legato.node.rest.edge import VERSIONED

BACKLOG = 8 * 1024 * 1024
"""Bytes that wait for a client which reads too slowly before it is dropped."""

PING_SHARE = 3
"""Pings in one silent-socket timeout: a live client answers them, so only a dead one is silent."""

_log = telemetry.logger(__name__)
Handler = Callable[[web.Request], "asyncio.Future[web.StreamResponse]"]


def routes(node: Node) -> list[web.RouteDef]:
    """List the route."""
    numbers = itertools.count(1)

    async def serve(request: web.Request) -> web.StreamResponse:
        return await _serve(node, next(numbers), request)

    return [web.get("/v4/websocket", serve)]


async def _serve(node: Node, number: int, request: web.Request) -> web.StreamResponse:
    """Hold one client's websocket from its handshake to its end."""
    user = request.headers.get("User-Id", "")
    if not (user.isascii() and user.isdigit()):
        raise RequestError(400, "Missing or invalid User-Id header")
    end = web.WebSocketResponse(autoping=False, max_msg_size=1 << 16)
    if not end.can_prepare(request):
        raise RequestError(400, "Not a WebSocket handshake")
    client = _Client(end, request.transport, node.settings.silent_socket_timeout.total_seconds())
    # Before the handshake is answered: its headers tell whether the session is resumed.
    opened = node.connect(number, client.send, user, request.headers.get("Session-Id"))
    _log.info(
        "client connected",
        client=request.headers.get("Client-Name", ""),
        session=opened.session.id,
        resumed=opened.resumed,
    )
    try:
        end.headers.update(VERSIONED, **{"Session-Resumed": str(opened.resumed).lower()})
        await end.prepare(request)
        node.sockets.add(client)
        await client.serve()
    finally:
        node.sockets.discard(client)
        node.disconnect(number)
    return end


class _Client:
    """One connected client."""

    def __init__(
        self,
        end: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        timeout: float,
    ) -> None:
        self._end, self._transport = end, transport
        self._timeout = timeout
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._backlog = 0
        """Bytes that wait."""
        self._tasks: list[asyncio.Task[None]] = []

    def send(self, message: bytes) -> None:
        """Queue a message; a client that takes none is dropped."""
        self._backlog += len(message)
        if self._backlog <= BACKLOG:
            self._waiting.put_nowait(message)
        else:
            self._abort()

    async def serve(self) -> None:
        """Read until the end, with a byte now and then from the peer required."""
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._ping())]
        try:
            await self._read()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Say goodbye as a server that goes away."""
        await self._end.close(code=aiohttp.WSCloseCode.GOING_AWAY)

    async def _read(self) -> None:
        while True:
            try:
                message = await self._end.receive(timeout=self._timeout)
            except TimeoutError:
                self._abort()
                return
            if message.type is aiohttp.WSMsgType.PING:
                await self._end.pong(message.data)
            elif message.type in {
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSING,
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
            }:
                return

    async def _write(self) -> None:
        try:
            while True:
                message = await self._waiting.get()
                await self._end.send_str(message.decode())
                self._backlog -= len(message)
        except (ConnectionError, RuntimeError):
            self._abort()

    async def _ping(self) -> None:
        try:
            while True:
                await asyncio.sleep(self._timeout / PING_SHARE)
                await self._end.ping()
        except (ConnectionError, RuntimeError):
            self._abort()

    def _abort(self) -> None:
        """Drop the connection without a goodbye that nobody would read."""
        if self._transport is not None:
            self._transport.abort()
