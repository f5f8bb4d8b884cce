"""A voice server of our own that falls silent or lies when told to, and a connection to it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from legato.node import voice_protocol
from legato.node.dave.key_handles import KeyHandle, KeyOwner
from legato.node.messages import Asked, OpenMembership, SendPlain
from legato.node.protocol import VoiceState
from legato.node.voice import VoiceConnection
from legato.node.voice_protocol import Seat
from legato_simulator import certs

Json = dict[str, object]


@dataclass
class Falling:
    """A voice server of our own, which falls silent when told to."""

    udp: socket.socket
    silent: bool = False
    hello: bool = True
    ready: Json = field(default_factory=dict)
    """What is otherwise in the address that it tells."""
    description: Json = field(default_factory=dict)
    """What is otherwise in the session's description."""
    asked: list[object] = field(default_factory=list)
    """The kinds of every message but heartbeats, and how each socket was closed."""

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        end = web.WebSocketResponse()
        await end.prepare(request)
        self.asked.append("connected")
        if self.hello:
            await end.send_json({"op": voice_protocol.HELLO, "d": {"heartbeat_interval": 100}})
        async for message in end:
            await self.answer(end, message.json())
        self.asked.append(end.close_code)
        return end

    async def answer(self, end: web.WebSocketResponse, message: Json) -> None:
        host, port = self.udp.getsockname()
        ready = {"ssrc": 1, "ip": host, "port": port, "modes": ["aead_aes256_gcm_rtpsize"]}
        key = {"mode": "aead_aes256_gcm_rtpsize", "secret_key": [0] * 32}
        match message["op"]:
            case voice_protocol.HEARTBEAT:
                if not self.silent:
                    await end.send_json({"op": voice_protocol.ACK, "d": {"t": 0}})
                return
            case voice_protocol.IDENTIFY:
                await end.send_json({"op": voice_protocol.READY, "d": ready | self.ready})
            case voice_protocol.SELECT:
                await end.send_json({"op": voice_protocol.DESCRIPTION, "d": key | self.description})
            case voice_protocol.RESUME:
                self.silent = False
                await end.send_json({"op": voice_protocol.RESUMED, "d": None})
        self.asked.append(message["op"])


@dataclass
class Heard:
    """Who is told."""

    ready: asyncio.Event = field(default_factory=asyncio.Event)
    closed: list[tuple[int, str]] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)

    def voice_ready(
        self, end: socket.socket, ssrc: int, seal: tuple[str, bytes], *, encrypted: bool
    ) -> None:
        self.ready.set()

    def voice_encrypted(self, *, encrypted: bool) -> None:
        return

    def voice_lost(self, since: float) -> None:
        self.lost.append(since)

    def voice_closed(self, code: int, reason: str, *, by_remote: bool) -> None:
        self.closed.append((code, reason))


class NoKeys:
    """A lane of a call that is never encrypted."""

    def open_keys(self, user: int, channel: int, owner: KeyOwner) -> KeyHandle:
        return KeyHandle(1, owner, OpenMembership(membership=1, user=user, channel=channel))

    def close_keys(self, handle: KeyHandle) -> None:
        return

    def follow_feed(self) -> None:
        return

    def tell_keys(self, message: Asked | SendPlain) -> None:
        return


@asynccontextmanager
async def falling(folder: Path) -> AsyncIterator[tuple[Falling, VoiceConnection, Heard]]:
    """Run the server, and connect to it."""
    made = certs.make(folder)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        server = Falling(udp)
        discovering = asyncio.create_task(discover(udp))
        application = web.Application()
        application.router.add_get("/", server.serve)
        runner = web.AppRunner(application, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=made.server_context()).start()
        voice = VoiceState(
            token="t",
            endpoint=f"127.0.0.1:{runner.addresses[0][1]}",
            session_id="s",
            channel_id="1",
        )
        heard = Heard()
        async with aiohttp.ClientSession() as http:
            seat = Seat(1, "2", voice)
            connection = VoiceConnection(
                seat, http, made.client_context(), heard, NoKeys(), group_timeout=21.0
            )
            try:
                yield server, connection, heard
            finally:
                await connection.close()
                discovering.cancel()
                await asyncio.wait([discovering])
                await runner.cleanup()


async def discover(udp: socket.socket) -> None:
    """Answer each question for an address."""
    loop = asyncio.get_running_loop()
    while True:
        _, peer = await loop.sock_recvfrom(udp, 2000)
        answer = voice_protocol.DISCOVERY.pack(2, 70, 1, b"127.0.0.1", 5)
        with suppress(OSError):
            await loop.sock_sendto(udp, answer, peer)
