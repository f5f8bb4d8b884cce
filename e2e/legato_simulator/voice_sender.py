"""A small voice client: connects as Discord's protocol asks and sends Opus packets on time.

It is a client like any other: the simulator's control stream and tests use it, and it shares
nothing with the server but the packet format. It knows no guild's gateway.
"""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import aiohttp
import msgspec

from legato_simulator import rtp
from legato_simulator.calls import VoiceCredentials
from legato_simulator.dave import messages
from legato_simulator.dave.member import Answer, Member

FRAME_NS = 20_000_000


class VoiceClosed(ConnectionError):
    """The server closed; `code` says why (1006: without a close frame)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the voice server closed with {code}")
        self.code = code


class VoiceSender:
    """One voice connection of one bot in one guild."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        context: ssl.SSLContext,
        *,
        guild_id: int,
        user_id: int,
        session_id: str,
        channel_id: int = 0,
    ) -> None:
        self.received: list[dict[str, Any]] = []
        self.ssrc = self.sequence = self.timestamp = 0
        self.seq_ack = -1
        self.address = ("", 0)
        self._client, self._context = client, context
        self._who = {"server_id": str(guild_id), "session_id": session_id}
        self._user_id = user_id
        self.member = Member(user_id, channel_id)
        """Its part in the call's encryption; idle unless `connect` offers a version."""
        self._credentials = VoiceCredentials(token="", endpoint="")
        self._news = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self._beater: asyncio.Task[None] | None = None
        self._websocket: aiohttp.ClientWebSocketResponse | None = None
        self._crypt: rtp.Crypt | None = None
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setblocking(False)

    async def connect(
        self, credentials: VoiceCredentials, *, mode: str = rtp.AES, dave_version: int = 0
    ) -> None:
        """Shake hands up to the session description; raises VoiceClosed."""
        self._credentials = credentials
        await self._open()
        token = {"token": credentials.token, "user_id": str(self._user_id)}
        dave = {"max_dave_protocol_version": dave_version}
        await self.say(0, {**self._who, **token, **dave})
        ready = await self.wait(2)
        self.ssrc = ready["ssrc"]
        self._udp.connect((ready["ip"], ready["port"]))
        self.address = await self._discover()
        chosen = {"address": self.address[0], "port": self.address[1], "mode": mode}
        await self.say(1, {"protocol": "udp", "data": chosen})
        described = await self.wait(4)
        self._crypt = rtp.crypt(described["mode"], bytes(described["secret_key"]))
        await self.say(5, {"speaking": 1, "delay": 0, "ssrc": self.ssrc})

    async def resume(self) -> None:
        """Open a new websocket for the same session; raises VoiceClosed."""
        await self._hang_up()
        await self._open()
        token = {"token": self._credentials.token, "seq_ack": self.seq_ack}
        await self.say(7, {**self._who, **token})
        await self.wait(9)

    async def close(self, code: int = 1000) -> None:
        """Close the websocket and the media socket."""
        if self._websocket is not None:
            await self._websocket.close(code=code)
        await self._hang_up()
        self._udp.close()

    def reset(self) -> None:
        """Lose the websocket's TCP connection, and keep sending media."""
        if self._websocket is not None:
            transport = self._websocket.get_extra_info("socket")
            if transport is not None:
                transport.shutdown(socket.SHUT_RDWR)

    def send(self, payload: bytes, *, samples: int = rtp.SAMPLES) -> None:
        """Send one packet now."""
        if self._crypt is None:
            raise VoiceClosed(1006)
        packet = rtp.build(
            self.member.seal(payload),
            self._crypt,
            sequence=self.sequence,
            timestamp=self.timestamp,
            ssrc=self.ssrc,
        )
        self.sequence, self.timestamp = self.sequence + 1, self.timestamp + samples
        self._udp.send(packet)

    async def play(self, payloads: Iterable[bytes], *, stop: threading.Event | None = None) -> None:
        """Send a packet every 20 ms by absolute deadlines, from a thread of its own."""
        await asyncio.to_thread(self._pace, payloads, stop or threading.Event())

    async def pause(self) -> None:
        """Send the five silence frames of a stop."""
        await self.play([rtp.SILENCE] * 5)

    async def say(self, op: int, body: Any) -> None:
        """Send a websocket message; raises VoiceClosed."""
        if self._websocket is None:
            raise VoiceClosed(1006)
        try:
            await self._websocket.send_str(msgspec.json.encode({"op": op, "d": body}).decode())
        except ConnectionResetError as error:
            raise VoiceClosed(self._code()) from error

    async def wait(self, op: int, *, seconds: float = 60.0) -> Any:
        """Take the next message with an opcode; raises VoiceClosed or TimeoutError."""
        async with asyncio.timeout(seconds), self._news:
            while True:
                for message in self.received:
                    if message["op"] == op:
                        self.received.remove(message)
                        return message["d"]
                if self._reader is None or self._reader.done():
                    raise VoiceClosed(self._code())
                await self._news.wait()

    async def closed(self, *, seconds: float = 60.0) -> int:
        """Wait until the server closes, and give its code."""
        if self._reader is not None:
            await asyncio.wait_for(asyncio.shield(self._reader), seconds)
        return self._code()

    def _code(self) -> int:
        code = self._websocket.close_code if self._websocket else None
        return code or 1006

    async def _open(self) -> None:
        url = f"wss://{self._credentials.endpoint}/?v=8"
        patience = aiohttp.ClientWSTimeout(ws_close=1.0)
        self._websocket = await self._client.ws_connect(url, ssl=self._context, timeout=patience)
        self._reader = asyncio.create_task(self._read(self._websocket))
        hello = await self.wait(8)
        self._beater = asyncio.create_task(self._beat(hello["heartbeat_interval"] / 1e3))

    async def _hang_up(self) -> None:
        for task in (self._beater, self._reader):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        self._beater = self._reader = None
        if self._websocket is not None:
            await self._websocket.close()

    async def _read(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for message in websocket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    self.seq_ack = int.from_bytes(message.data[:2], "big")
                    await self._answer(self.member.take(message.data[2], message.data[3:]))
                elif message.type is aiohttp.WSMsgType.TEXT:
                    body = msgspec.json.decode(message.data)
                    self.seq_ack = body.get("seq", self.seq_ack)
                    await self._follow(body["op"], body["d"])
                    async with self._news:
                        self.received.append(body)
                        self._news.notify_all()
        finally:
            async with self._news:
                self._news.notify_all()

    async def _follow(self, op: int, body: Any) -> None:
        """Take part in the call's encryption."""
        if op == 4:
            await self._answer(self.member.start(body["dave_protocol_version"]))
        elif op == 11:
            self.member.expected |= {int(each) for each in body["user_ids"]}
        elif op in messages.FROM_SERVER_TEXT:
            await self._answer(self.member.take(op, body))

    async def _answer(self, answers: list[Answer]) -> None:
        for op, body in answers:
            if isinstance(body, bytes) and self._websocket is not None:
                await self._websocket.send_bytes(bytes([op]) + body)
            else:
                await self.say(op, body)

    async def _beat(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self.say(3, {"t": time.time_ns() // 1_000_000, "seq_ack": self.seq_ack})

    async def _discover(self) -> tuple[str, int]:
        loop = asyncio.get_running_loop()
        self._udp.send(rtp.discovery_request(self.ssrc))
        answer = rtp.discovered(await asyncio.wait_for(loop.sock_recv(self._udp, 128), 5.0))
        if answer is None:
            raise VoiceClosed(1006)
        return answer[2], answer[3]

    def _pace(self, payloads: Iterable[bytes], stop: threading.Event) -> None:
        due = time.monotonic_ns()
        for payload in payloads:
            wait = due - time.monotonic_ns()
            if wait > 0:
                time.sleep(wait / 1e9)
            if stop.is_set():
                return
            self.send(payload)
            due += FRAME_NS
