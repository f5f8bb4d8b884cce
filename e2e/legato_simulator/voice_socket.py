"""One client's voice websocket: the handshake, heartbeats and resume of voice gateway version 8.

It knows how to talk; who may talk is its registry's to say.
https://discord.com/developers/docs/topics/voice-connections
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from aiohttp import WSMsgType, web

from legato_simulator import rtp
from legato_simulator.dave import messages
from legato_simulator.dave.messages import Body
from legato_simulator.voice_call import VoiceCall
from legato_simulator.voice_faults import VoiceFaults
from legato_simulator.voice_session import (
    Identify,
    Resume,
    SelectProtocol,
    Transition,
    VoiceSession,
    Wire,
)

HEARTBEAT_MS = 13_750.0
"""Discord's own figure of these years."""

UNKNOWN_OPCODE, UNDECODABLE, NOT_AUTHENTICATED, TWICE = 4001, 4002, 4003, 4005
TIMED_OUT, UNKNOWN_PROTOCOL, UNKNOWN_MODE = 4009, 4012, 4016
KEPT_OPEN = frozenset({4000, 4009, 4015})
"""Closes after which a client may resume: the session lives on."""


class Registry(Protocol):
    """What a socket asks of the voice server it belongs to."""

    def faults(self, guild_id: int | None) -> VoiceFaults:
        """Look up what is to go wrong."""

    async def admit(self, body: Identify, socket: "VoiceSocket") -> VoiceSession | int:
        """Open a session for an Identify, ending an older one, or name a close code."""

    async def readmit(self, body: Resume, socket: "VoiceSocket") -> VoiceSession | int:
        """Give a session to a new socket, or name a close code."""

    def media_address(self, socket: "VoiceSocket") -> tuple[str, int]:
        """Name the media address of the socket's endpoint."""

    def listen(self, session: VoiceSession) -> None:
        """Begin to take the session's media."""

    def call(self, session: VoiceSession) -> VoiceCall:
        """Give the call that a client is in."""

    async def gone(self, socket: "VoiceSocket") -> None:
        """Take note that a socket has ended."""


class Refused(Exception):
    """The connection is to be closed with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class VoiceSocket:
    """Serves one websocket from its upgrade to its close."""

    def __init__(self, registry: Registry, request: web.Request, region: str) -> None:
        self.session: VoiceSession | None = None
        self.region = region
        self.close_code: int | None = None
        self.swallowed = False
        self._registry, self._request = registry, request
        self._socket = web.WebSocketResponse(max_msg_size=1 << 20, timeout=2.0)
        self._held: list[Wire] | None = None
        self._beaten = 0.0

    async def serve(self) -> web.WebSocketResponse:
        """Speak with the client until one side closes."""
        await self._socket.prepare(self._request)
        self._beaten = asyncio.get_running_loop().time()
        await self._step(lambda: {"v": 8, "heartbeat_interval": HEARTBEAT_MS}, 8)
        try:
            await self._listen()
        except Refused as refused:
            await self.close(refused.code)
        except TimeoutError:
            await self.close(TIMED_OUT)
        finally:
            await self._registry.gone(self)
        return self._socket

    @property
    def left(self) -> bool:
        """Say whether the client ended the call itself: after 1000 and 1001 there is no resume."""
        return self.close_code is None and self._socket.close_code in {1000, 1001}

    async def close(self, code: int) -> None:
        """Close with a code of Discord's; a swallowed connection hears nothing of it."""
        if self.close_code is None:
            self.close_code = code
        if not self.swallowed:
            await self.thaw()
            await self._socket.close(code=code, message=b"")

    def drop(self) -> None:
        """Reset the TCP connection, without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def freeze(self) -> None:
        """Read nothing and hold back what would be sent, until thawed."""
        if self._held is None and self._request.transport is not None:
            self._held = []
            self._pause(reading=False)

    async def thaw(self) -> None:
        """Go on, sending what was held back."""
        if self._held is not None and not self.swallowed:
            held, self._held = self._held, None
            self._beaten = asyncio.get_running_loop().time()
            self._pause(reading=True)
            for wire in held:
                await self._write(wire)

    def swallow(self) -> None:
        """Keep the TCP connection open and silent for ever, as a lost network does."""
        self.freeze()
        self.swallowed = True

    async def send(self, op: int, body: Any) -> None:
        """Send a message, numbered where version 8 numbers it."""
        if self.session is None:
            await self._write(msgspec.json.encode({"op": op, "d": body}).decode())
        else:
            await self._write(self.session.message(op, body))

    async def _write(self, wire: Wire) -> None:
        if self._held is not None:
            self._held.append(wire)
        elif not self._socket.closed:
            try:
                if isinstance(wire, str):
                    await self._socket.send_str(wire)
                else:
                    await self._socket.send_bytes(wire)
            except ConnectionResetError:
                return

    def _pause(self, *, reading: bool) -> None:
        transport = self._request.transport
        if isinstance(transport, asyncio.Transport) and not transport.is_closing():
            if reading:
                transport.resume_reading()
            else:
                transport.pause_reading()

    async def _step(self, body: Callable[[], Any], op: int) -> None:
        """Answer one step of the handshake, as late as the faults ask."""
        delay = self._faults().step_delay
        if delay:
            await asyncio.sleep(delay)
        await self.send(op, body())

    def _faults(self) -> VoiceFaults:
        return self._registry.faults(self.session.grant.guild_id if self.session else None)

    async def _listen(self) -> None:
        while not self._socket.closed:
            patience = None
            if self._held is None:
                late = self._beaten + 2 * HEARTBEAT_MS / 1e3
                patience = max(0.1, late - asyncio.get_running_loop().time())
            try:
                message = await self._socket.receive(timeout=patience)
            except TimeoutError:
                if self._held is None:
                    raise
                continue
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                return
            await self._take(message.data)

    async def _take(self, data: str | bytes) -> None:
        if isinstance(data, bytes) and data[:1] and data[0] in messages.FROM_CLIENT_BINARY:
            self._said(data[0], data[1:])
            return
        try:
            await self._dispatch(msgspec.json.decode(data))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Refused(UNDECODABLE) from error

    async def _dispatch(self, message: Any) -> None:
        envelope = msgspec.convert(message, dict[str, Any])
        op, body = envelope.get("op"), envelope.get("d")
        match op:
            case 0:
                await self._identify(msgspec.convert(body, Identify))
            case 3:
                await self._heartbeat(body)
            case 7:
                await self._resume(msgspec.convert(body, Resume))
            case 1 | 5 | 12 if self.session is None:
                raise Refused(NOT_AUTHENTICATED)
            case 1:
                await self._select(msgspec.convert(body, SelectProtocol))
            case 5:
                await self._speaking(msgspec.convert(body, dict[str, Any]))
            case 12 | 15 | 16:
                return
            case messages.READY_FOR_TRANSITION | messages.INVALID_COMMIT_WELCOME:
                named = msgspec.convert(body, Transition).transition_id
                self._said(op, {"transition_id": named})
            case _:
                raise Refused(UNKNOWN_OPCODE)

    def _own(self) -> VoiceSession:
        if self.session is None:
            raise Refused(NOT_AUTHENTICATED)
        return self.session

    def _said(self, op: int, body: Body) -> None:
        """Pass on what a client says about the call's encryption."""
        session = self._own()
        self._registry.call(session).said(session.grant.user_id, op, body)

    async def _identify(self, body: Identify) -> None:
        if self.session is not None:
            raise Refused(TWICE)
        admitted = await self._registry.admit(body, self)
        if isinstance(admitted, int):
            raise Refused(admitted)
        self.session = admitted
        if self._faults().silent_after_hello:
            return
        ip, port = self._registry.media_address(self)
        ready = {"ssrc": admitted.ssrc, "ip": ip, "port": port, "modes": self._modes()}
        await self._step(lambda: {**ready, "experiments": []}, 2)

    def _modes(self) -> list[str]:
        only = self._faults().only_mode
        return [only] if only else list(rtp.MODES)

    async def _select(self, body: SelectProtocol) -> None:
        session = self._own()
        if body.protocol != "udp":
            raise Refused(UNKNOWN_PROTOCOL)
        if body.data.mode not in self._modes():
            raise Refused(UNKNOWN_MODE)
        session.mode, session.address = body.data.mode, (body.data.address, body.data.port)
        self._registry.listen(session)
        call = self._registry.call(session)
        session.dave_version = call.describe(session)
        description = {
            "audio_codec": "opus",
            "media_session_id": f"{session.ssrc:032x}",
            "mode": session.mode,
            "secret_key": list(session.key),
            "dave_protocol_version": session.dave_version,
        }
        await self._step(lambda: description, 4)
        others = call.others(session.grant.user_id)
        if others:
            await self.send(11, {"user_ids": [str(user_id) for user_id in others]})
        call.enter(session)

    async def _speaking(self, body: dict[str, Any]) -> None:
        session = self._own()
        session.speaking = int(body.get("speaking", 0))
        told = {"speaking": session.speaking, "ssrc": session.ssrc}
        user = {"user_id": str(session.grant.user_id)}
        self._registry.call(session).tell(5, {**told, **user}, but=session.grant.user_id)

    async def _heartbeat(self, body: Any) -> None:
        self._beaten = asyncio.get_running_loop().time()
        if isinstance(body, dict):
            if self.session is not None and isinstance(body.get("seq_ack"), int):
                self.session.acknowledge(body["seq_ack"])
            await self.send(6, {"t": body.get("t")})
        else:
            await self.send(6, body)

    async def _resume(self, body: Resume) -> None:
        if self.session is not None:
            raise Refused(TWICE)
        admitted = await self._registry.readmit(body, self)
        if isinstance(admitted, int):
            raise Refused(admitted)
        self.session = admitted
        await self._step(lambda: None, 9)
        for wire in admitted.missed(body.seq_ack):
            await self._write(wire)
        self._registry.call(admitted).back(admitted)
