"""One voice connection: the websocket to Discord's voice server, and its UDP socket.

It knows no track; what it finds goes to a listener, and the pacer sends. The control process runs
it, so that no load delays its heartbeat.
"""

import asyncio
import contextlib
import errno
import math
import socket
import ssl
import time
from typing import Protocol

import aiohttp
import msgspec

from legato import telemetry
from legato.node import rtp, voice_protocol, voice_udp
from legato.node.dave import wire
from legato.node.dave.encryption import Encryption, Keys
from legato.node.dave.exchange import Resumed
from legato.node.errors import MediaError
from legato.node.outbox import Outbox
from legato.node.voice_protocol import Payload, Seat

RESUMES = 6
"""Attempts to go on after a lost connection before it counts as closed."""

FIRST_TRIES = 2
"""Attempts where there was no sound yet: nobody is heard meanwhile, so the client is told soon."""

RESUME_WITHIN = 5.0
"""Seconds after which a lost connection is given up: its voice server may have died, and only new
credentials lead to another."""

REFUSED = 2
"""Attempts that a host may refuse: nobody listens there any more."""

BACKOFF = 0.25
HANDSHAKE = 10.0
"""Seconds from the websocket's opening to the session's key, or to Resumed."""

BEAT = 5.0
"""Seconds between heartbeats at most, as discord.py has it: one that stays without an answer is how
a voice server is noticed that fell silent."""

FAREWELL = 1.0
"""Seconds that a close waits for the other side's."""

LOST = 1006
"""What a connection that broke without a close is reported as (RFC 6455)."""

NOT_LET_IN = 4017
"""Discord's code for a call that wants end-to-end encryption; where we close, its group does not
let us in."""

_log = telemetry.logger(__name__)


class Listener(Protocol):
    """Who is told."""

    def voice_ready(
        self, end: socket.socket, ssrc: int, seal: tuple[str, bytes], *, encrypted: bool
    ) -> None:
        """Sound can be sent through this socket, sealed with this mode and key."""

    def voice_encrypted(self, *, encrypted: bool) -> None:
        """Sound is to be encrypted end to end from now on, or no more."""

    def voice_lost(self, since: float) -> None:
        """The voice server was heard of last so many seconds ago; it may come back."""

    def voice_closed(self, code: int, reason: str, *, by_remote: bool) -> None:
        """The connection is over and will not come back."""


class _Closed(Exception):
    """The websocket was closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class VoiceConnection:
    """A connection from the first handshake to its end, resumed in between as often as needed."""

    def __init__(
        self,
        seat: Seat,
        http: aiohttp.ClientSession,
        tls: ssl.SSLContext,
        listener: Listener,
        keys: Keys,
        *,
        group_timeout: float,
    ) -> None:
        self.seat = seat
        self.encryption = Encryption(seat.user_id, seat.channel_id, keys, self, group_timeout)
        self.ping = -1
        self.connected = False
        self._http, self._tls, self._listener = http, tls, listener
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._sequence = -1
        self._acknowledged = True
        self._heard, self._is_silent = 0.0, False
        """When a message came last; whether a heartbeat stayed without an answer."""
        self._described = False
        self._established = False
        """Whether the newest websocket got through its handshake."""
        self._closing = False
        self._udp: socket.socket | None = None
        self._ssrc = 0
        self._mode, self._key = "", b""
        self._sending = False
        """Whether the listener was told that sound can be sent."""
        self._outbox = Outbox()
        self._task: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None

    async def open(self, *, timeout: float) -> None:
        """Connect the websocket and go on in the background; raises MediaError."""
        try:
            async with asyncio.timeout(timeout):
                self._socket = await self._connect()
        except (OSError, aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise MediaError(
                "Failed to connect to voice server", "suspicious", repr(error)
            ) from error
        self.connected = True
        self._task = asyncio.create_task(self._run(self._socket))

    async def close(self) -> None:
        """Leave with 1000."""
        self._closing = True
        self.connected = False
        if self._socket is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._socket.close(code=1000)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self.encryption.close()
        self._drop_udp()

    def say(self, message: voice_protocol.Payload | bytes) -> None:
        """Send what the encryption has to say, once the handshake is over."""
        if not isinstance(message, bytes):
            self._outbox.put(msgspec.json.encode(message).decode())
            return
        self._outbox.put(message)

    def use(self, *, encrypted: bool) -> None:
        """Let sound be sent like this."""
        if self._sending:
            self._listener.voice_encrypted(encrypted=encrypted)
        elif self._udp is not None:
            self._sending = True
            seal = (self._mode, self._key)
            self._listener.voice_ready(self._udp, self._ssrc, seal, encrypted=encrypted)

    def give_up(self) -> None:
        """End the connection, and say why at once: another may follow before it has ended."""
        if self._closing:
            return
        self._closing, self.connected = True, False
        self._listener.voice_lost(0.0)
        reason = "the group of the encrypted call does not let this node in"
        self._listener.voice_closed(NOT_LET_IN, reason, by_remote=False)
        self._leaving = asyncio.create_task(self.close())

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        return await self._http.ws_connect(
            self.seat.url,
            ssl=self._tls,
            max_msg_size=1 << 20,
            autoclose=True,
            timeout=aiohttp.ClientWSTimeout(ws_close=FAREWELL),
        )

    async def _run(self, first: aiohttp.ClientWebSocketResponse) -> None:
        """Hold the connection; after a close that allows it, resume."""
        code, reason = await self._session(first, HANDSHAKE)
        failures, until = 0, math.inf
        while voice_protocol.after(code) == "resume" and not self._closing:
            if self._established:
                failures, until = 0, _now() + RESUME_WITHIN
                self._note_loss()
            else:
                failures += 1
            most = RESUMES if self._described else FIRST_TRIES
            again = await self._again(until) if failures < most else None
            if again is None:
                break
            code, reason = await self._session(again, min(HANDSHAKE, until - _now()))
        self.connected = False
        self.ping = -1
        self.encryption.close()
        self._drop_udp()
        if not self._closing:
            self._listener.voice_closed(code, reason, by_remote=True)

    def _note_loss(self) -> None:
        """Say how long nothing was heard: a connection that broke was heard of until then."""
        self.connected = False
        silent, self._is_silent = self._is_silent, False
        self._listener.voice_lost(_now() - self._heard if silent else 0.0)

    async def _again(self, until: float) -> aiohttp.ClientWebSocketResponse | None:
        """Connect anew, a few times."""
        refusals = 0
        for attempt in range(RESUMES):
            try:
                async with asyncio.timeout_at(min(_now() + 5, until)):
                    self._socket = await self._connect()
                return self._socket
            except (OSError, aiohttp.ClientError, TimeoutError) as error:
                refusals += _is_refusal(error)
            pause = BACKOFF * 2**attempt
            if refusals >= REFUSED or _now() + pause >= until:
                break
            await asyncio.sleep(pause)
        return None

    async def _session(
        self, end: aiohttp.ClientWebSocketResponse, within: float
    ) -> tuple[int, str]:
        """Serve one websocket, whose handshake has so many seconds; gives why it closed."""
        self._established = self._is_silent = False
        tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(within) as patience:
                tasks.append(await self._greet(end))
                while True:
                    await self._handle(end, await self._receive(end))
                    if self._established and len(tasks) == 1:
                        patience.reschedule(None)
                        tasks.append(asyncio.create_task(self._outbox.deliver(end)))
        except _Closed as closed:
            return closed.code, closed.reason
        except TimeoutError:
            return LOST, "the voice server does not answer"
        except (OSError, aiohttp.ClientError, MediaError, msgspec.MsgspecError) as error:
            return LOST, str(error)
        except Exception:  # the edge of a connection: its client waits for a word
            _log.exception("a voice server's message could not be handled")
            return LOST, "the voice server sends what can't be understood"
        finally:
            for task in tasks:
                task.cancel()
            if not end.closed:
                await end.close(code=4000)

    async def _greet(self, end: aiohttp.ClientWebSocketResponse) -> asyncio.Task[None]:
        """Answer Hello, anew or to go on; gives the task that sends heartbeats."""
        hello = await self._receive(end)
        while isinstance(hello, bytes):
            hello = await self._receive(end)
        self._acknowledged = True
        if self._described:
            await self._send(end, voice_protocol.resume(self.seat, self._sequence))
        else:
            await self._send(end, voice_protocol.identify(self.seat))
        interval = min(_number(hello, "heartbeat_interval") / 1000, BEAT)
        return asyncio.create_task(self._beat(end, interval))

    async def _receive(self, end: aiohttp.ClientWebSocketResponse) -> Payload | bytes:
        """Take the next message and note its number; raises _Closed."""
        while True:
            message = await end.receive()
            self._heard = self._heard if self._is_silent else _now()
            if message.type is aiohttp.WSMsgType.TEXT:
                payload = msgspec.json.decode(message.data, type=dict[str, object])
                sequence = payload.get("seq")
                if isinstance(sequence, int):
                    self._sequence = sequence
                return payload
            if message.type is aiohttp.WSMsgType.BINARY:
                self._sequence = wire.sequence(message.data, self._sequence)
                return bytes(message.data)
            # The close frame's own code: close_code tells 1006 when our reply came too late.
            told = message.data if message.type is aiohttp.WSMsgType.CLOSE else end.close_code
            code = told if isinstance(told, int) and told else LOST
            raise _Closed(code, message.extra if isinstance(message.extra, str) else "")

    async def _handle(self, end: aiohttp.ClientWebSocketResponse, payload: Payload | bytes) -> None:
        if isinstance(payload, bytes):
            self.encryption.take(wire.binary(payload))
            return
        match payload.get("op"):
            case voice_protocol.READY:
                await self._ready(end, payload)
            case voice_protocol.DESCRIPTION:
                await self._describe(end, payload)
            case voice_protocol.ACK:
                self._acknowledge(payload)
            case voice_protocol.RESUMED:
                self._established = self.connected = True
                self.encryption.take(Resumed())
            case op:
                self.encryption.take(wire.text(op, _data(payload)))

    async def _ready(self, end: aiohttp.ClientWebSocketResponse, payload: Payload) -> None:
        """Find our address and choose the encryption."""
        data = _data(payload)
        self._ssrc = _number(payload, "ssrc")
        modes = data.get("modes")
        self._mode = rtp.choose([str(mode) for mode in modes] if isinstance(modes, list) else [])
        self._drop_udp()
        self._udp = voice_udp.connected(*voice_protocol.address(data))
        address, port = await voice_udp.own_address(self._udp, self._ssrc)
        await self._send(end, voice_protocol.select(address, port, self._mode))

    async def _describe(self, end: aiohttp.ClientWebSocketResponse, payload: Payload) -> None:
        """Hand the socket and the key over."""
        data = _data(payload)
        if self._udp is None:
            raise MediaError("a session description without a connection", "fault")
        key = voice_protocol.secret(data)
        mode = data.get("mode")
        self._mode, self._key = mode if isinstance(mode, str) else self._mode, key
        self._described = self._established = True
        await self._send(end, voice_protocol.speaking(self._ssrc))
        self.encryption.described(data.get("dave_protocol_version"))

    def _acknowledge(self, payload: Payload) -> None:
        self._acknowledged = True
        self.ping = max(0, _now_ms() - _number(payload, "t"))

    async def _beat(self, end: aiohttp.ClientWebSocketResponse, interval: float) -> None:
        """Send heartbeats; one unanswered until the next means the connection is dead."""
        with contextlib.suppress(OSError, aiohttp.ClientError):
            while self._acknowledged:
                self._acknowledged = False
                await self._send(end, voice_protocol.heartbeat(_now_ms(), self._sequence))
                await asyncio.sleep(interval)
            self._is_silent = True
            await end.close(code=4009)

    async def _send(self, end: aiohttp.ClientWebSocketResponse, payload: Payload) -> None:
        await end.send_str(msgspec.json.encode(payload).decode())

    def _drop_udp(self) -> None:
        if self._udp is not None:
            self._udp.close()
            self._udp = None


def _data(payload: Payload) -> Payload:
    data = payload.get("d")
    return data if isinstance(data, dict) else {}


def _number(payload: Payload, field: str) -> int:
    value = _data(payload).get(field)
    return int(value) if isinstance(value, int | float) else 0


def _is_refusal(error: Exception) -> bool:
    """Tell whether nobody listens at an address."""
    found = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return isinstance(found, OSError) and found.errno == errno.ECONNREFUSED


def _now() -> float:
    return asyncio.get_running_loop().time()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
