"""One voice server address: a TLS websocket port with its UDP port, or one that is dead.

It knows ports and files only; who connects is its handler's concern.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from aiohttp import web

from legato_simulator.voice_udp import VoiceUdp

Death = Literal["refused", "silent", "no_tls"]
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Reach:
    """Where ports are bound, and how clients reach them: by default from this machine only."""

    bind: str = "127.0.0.1"
    host: str = "localhost"
    """The name in endpoints, which the certificate must carry."""
    ip: str = "127.0.0.1"
    """Where media goes; Discord names an address here, never a name."""


LOOPBACK = Reach()


class Endpoint(Protocol):
    """Something a VOICE_SERVER_UPDATE can name."""

    name: str

    @property
    def address(self) -> str:
        """Name host and port as Discord does."""

    async def stop(self) -> None:
        """Release the ports."""


def free_socket(bind: str = LOOPBACK.bind, port: int = 0) -> socket.socket:
    """Bind a TCP port that does not begin with 80: old koe cuts ":80" out of the endpoint."""
    while True:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((bind, port))
        if not str(bound.getsockname()[1]).startswith("80"):
            return bound
        bound.close()


class LiveEndpoint:
    """A region's websocket and media ports, both open."""

    def __init__(self, name: str, udp: VoiceUdp, reach: Reach = LOOPBACK) -> None:
        self.name, self.udp, self.reach = name, udp, reach
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._site: web.SockSite | None = None

    @property
    def address(self) -> str:
        """Name host and port as Discord does."""
        return f"{self.reach.host}:{self.port}"

    async def start(self, serve: Serve, context: ssl.SSLContext) -> None:
        """Open both ports."""
        app = web.Application()
        app.router.add_get("/{path:.*}", serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        bound = free_socket(self.reach.bind)
        self.port = bound.getsockname()[1]
        self._site = web.SockSite(self._runner, bound, ssl_context=context)
        await self._site.start()
        self.udp.open(bind=self.reach.bind)

    async def fall(self) -> None:
        """Give up both ports; the connections there are stay as they are."""
        self.udp.close()
        if self._site is not None:
            await self._site.stop()

    async def stop(self) -> None:
        """Release the ports."""
        self.udp.close()
        if self._runner is not None:
            await self._runner.cleanup()


class DeadEndpoint:
    """An address where no voice server answers."""

    def __init__(self, name: str, death: Death, reach: Reach = LOOPBACK, port: int = 0) -> None:
        """`port` is that of the one who died."""
        self.name, self._death, self._reach = name, death, reach
        self._bound = free_socket(reach.bind, port)
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def address(self) -> str:
        """Name host and port as Discord does."""
        return f"{self._reach.host}:{self._bound.getsockname()[1]}"

    async def start(self) -> None:
        """Take the port, and be dead in the way asked for."""
        if self._death != "refused":
            self._server = await asyncio.start_server(self._meet, sock=self._bound)

    async def stop(self) -> None:
        """Release the port."""
        for writer in self._writers:
            writer.transport.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._bound.close()

    async def _meet(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        if self._death == "no_tls":
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            writer.close()
