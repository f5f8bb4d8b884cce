"""One gateway connection: reads a client's payloads, sends its session's events."""

import asyncio
import json
from collections import deque

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from legato_simulator import population, transports
from legato_simulator.attendance import Wish
from legato_simulator.faults import IdentifyFault
from legato_simulator.json_values import Json
from legato_simulator.logins import Logins, Refused
from legato_simulator.member_chunks import member_chunks
from legato_simulator.recorder import GatewayPayload
from legato_simulator.sessions import Session
from legato_simulator.simulation import Simulation

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE = 0, 1, 2, 3, 4
RESUME, RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 6, 7, 8, 9, 10, 11
SOUNDBOARD, CHANNEL_INFO = 31, 43
CLOSING = 5.0
"""Seconds for a client to take note of a close, before its connection is reset."""
PAYLOAD_LIMIT = 4096
"""https://discord.com/developers/docs/events/gateway#sending-events"""


class Connection:
    """One websocket of one client."""

    def __init__(self, sim: Simulation, logins: Logins, request: web.Request) -> None:
        self.sim = sim
        self.session: Session | None = None
        self._logins = logins
        self._request = request
        self._ws = web.WebSocketResponse(timeout=2.0, max_msg_size=1 << 20)
        self._transport: transports.Transport = transports.Plain()
        self._control: deque[Json] = deque()
        self._cursor = 0
        self._news = asyncio.Event()
        self._received: deque[float] = deque()
        self._last_beat = sim.clock.monotonic()
        self._swallowed = False
        self._closing: tuple[int, str] | None = None

    # What sessions and scripts do with a connection.

    def wake(self) -> None:
        """Send what is new."""
        self._news.set()

    def end(self, code: int, reason: str) -> None:
        """Close with a code once what is queued has been sent."""
        self._closing = self._closing or (code, reason)
        self._news.set()

    def tell(self, op: int, data: object = None) -> None:
        """Send a payload that is no event."""
        self._control.append({"op": op, "d": data, "s": None, "t": None})
        self._news.set()

    def drop(self) -> None:
        """Reset the TCP connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def swallow(self) -> None:
        """Stop reading and writing for ever, and leave the TCP connection open."""
        self._swallowed = True
        transport = self._request.transport
        if isinstance(transport, asyncio.Transport):
            transport.pause_reading()

    # The connection's life.

    async def run(self) -> web.StreamResponse:
        """Serve the connection until it ends."""
        chosen = transports.choose(self._request.query.get("compress"))
        await self._ws.prepare(self._request)
        version, encoding = self._request.query.get("v", "10"), self._request.query.get("encoding")
        if version not in {"9", "10"}:
            await self._ws.close(code=4012, message=b"Invalid API version.")
            return self._ws
        if chosen is None or encoding not in {None, "json"}:
            await self._ws.close(code=4002, message=b"Unsupported encoding or compression.")
            return self._ws
        self._transport = chosen
        self.tell(HELLO, {"heartbeat_interval": round(self.sim.settings.heartbeat_interval * 1000)})
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write())
                await self._read()
                writer.cancel()
        finally:
            await self._left()
        return self._ws

    async def _left(self) -> None:
        session = self.session
        if session is None or session.link is not self:
            return
        code = self._ws.close_code
        by_client = self._closing is None and code in {WSCloseCode.OK, WSCloseCode.GOING_AWAY}
        self._logins.leave(session, f"close code {code}")
        if by_client:
            await self._logins.end(session, reason=f"The client closed with {code}.")

    # Sending.

    async def _write(self) -> None:
        while True:
            while not self._swallowed and (payload := self._next()) is not None:
                await self._send(payload)
            if self._closing is not None and not self._swallowed:
                await self._close(*self._closing)
                return
            self._news.clear()
            await self._news.wait()

    def _next(self) -> bytes | None:
        if self._control:
            return msgspec.json.encode(self._control.popleft())
        session = self.session
        if session is None or session.seq <= self._cursor:
            return None
        sent = session.after(self._cursor)
        if sent is None:
            self.end(4000, "Too slow.")
            return None
        self._cursor = sent.seq
        return sent.payload

    async def _send(self, payload: bytes) -> None:
        packed = self._transport.pack(payload)
        try:
            if isinstance(packed, str):
                await self._ws.send_str(packed)
            else:
                await self._ws.send_bytes(packed)
        except ConnectionError:
            self._news.clear()

    async def _close(self, code: int, reason: str) -> None:
        self._closing = (code, reason)
        self._logins.note("closed", self.session, f"{code} {reason}")
        try:
            async with asyncio.timeout(CLOSING):
                await self._ws.close(code=code, message=reason.encode())
        except TimeoutError:
            self.drop()

    # Receiving.

    async def _read(self) -> None:
        while not self._ws.closed:
            patience = self.sim.settings.heartbeat_interval * 1.5
            left = self._last_beat + patience - self.sim.clock.monotonic()
            try:
                async with asyncio.timeout(max(0.0, left)):
                    message = await self._ws.receive()
            except TimeoutError:
                if self._swallowed:
                    self.drop()
                    return
                await self._close(4009, "Session timed out.")
                return
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                await self._take(message.data)
            else:
                return

    async def _take(self, raw: str | bytes) -> None:
        if self._closing is not None or self._too_many():
            return
        try:
            payload = json.loads(raw) if len(raw) <= PAYLOAD_LIMIT else None
        except ValueError:
            payload = None
        if not isinstance(payload, dict) or not isinstance(op := payload.get("op"), int):
            self.end(4002, "Error while decoding payload.")
            return
        self._record(op, payload.get("d"))
        try:
            await self._obey(op, payload.get("d"))
        except (ValueError, TypeError):
            self.end(4002, "Error while decoding payload.")

    def _too_many(self) -> bool:
        now = self.sim.clock.monotonic()
        self._received.append(now)
        while now - self._received[0] > 60:
            self._received.popleft()
        if len(self._received) <= self.sim.settings.gateway_events:
            return False
        self.sim.recorder.violation(now, "gateway_rate", "more than 120 payloads in 60 s")
        self.end(4008, "Rate limited.")
        return True

    def _record(self, op: int, data: Json | int | None) -> None:
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if key != "token"}
        session = self.session
        payload = GatewayPayload(
            at=self.sim.clock.monotonic(),
            bot_id=str(session.bot_id) if session else None,
            session_id=session.id if session else None,
            shard=session.shard if session else None,
            op=op,
            data=data,
        )
        self.sim.recorder.payload(payload)
        self.sim.feed.wake()

    async def _obey(self, op: int, data: object) -> None:
        if op == HEARTBEAT:
            self._last_beat = self.sim.clock.monotonic()
            self.tell(ACK)
        elif op in {IDENTIFY, RESUME} and isinstance(data, dict):
            await self._log_in(op, data)
        elif op not in {PRESENCE, VOICE_STATE, REQUEST_MEMBERS, SOUNDBOARD, CHANNEL_INFO}:
            self.end(4001, "Unknown opcode.")
        elif self.session is None:
            self.end(4003, "Not authenticated.")
        elif isinstance(data, dict) and _ids_are_numbers(data):
            await self._ask(self.session, op, data)
        else:
            self.end(4002, "Error while decoding payload.")

    async def _ask(self, session: Session, op: int, data: Json) -> None:
        if op == VOICE_STATE:
            await self._logins.attendance.ask(session, _wish(data))
        elif op == REQUEST_MEMBERS:
            for chunk in member_chunks(self.sim.world, session, data):
                session.append("GUILD_MEMBERS_CHUNK", chunk)
        elif op == CHANNEL_INFO:
            self._channel_info(session, data)

    def _channel_info(self, session: Session, data: Json) -> None:
        guild = self.sim.world.guilds.get(int(data.get("guild_id") or 0))
        if guild is not None and session.bot_id in guild.members:
            channels = [
                {"id": str(each.id), "status": each.status}
                for each in guild.channels.values()
                if each.status is not None
            ]
            session.append("CHANNEL_INFO", {"guild_id": str(guild.id), "channels": channels})

    # Logging in.

    async def _log_in(self, op: int, data: Json) -> None:
        if self.session is not None:
            self.end(4005, "Already authenticated.")
            return
        try:
            if op == IDENTIFY:
                await self._identify(data)
            else:
                session, seq = self._logins.resume(data)
                self._attach(session, seq)
        except Refused as refusal:
            self._logins.note("refused", None, refusal.reason)
            if refusal.code is None:
                self.tell(INVALID_SESSION, False)
            else:
                self.end(refusal.code, refusal.reason)

    def _attach(self, session: Session, seq: int) -> None:
        self.session, self._cursor = session, seq
        session.link, session.left_at = self, None
        self.wake()

    async def _identify(self, data: Json) -> None:
        fault = self.sim.faults.for_identify() or IdentifyFault()
        await asyncio.sleep(fault.delay)
        if fault.close_code is not None:
            raise Refused(fault.close_code, "A fault that was asked for.")
        if fault.invalid_session:
            raise Refused(None, "A fault that was asked for.")
        session = await self._logins.identify(data)
        if isinstance(self._transport, transports.Plain):
            self._transport.compress = bool(data.get("compress"))
        self._attach(session, 0)
        self.sim.background.spawn(self._start(session, fault))

    async def _start(self, session: Session, fault: IdentifyFault) -> None:
        """Send READY, then every guild of the shard."""
        await asyncio.sleep(fault.ready_delay)
        ready = self._logins.ready(session)
        session.append("READY", ready)
        for number, listed in enumerate(ready["guilds"]):
            guild = self.sim.world.guilds.get(int(listed["id"]))
            if guild is not None and not guild.unavailable and session.bot_id in guild.members:
                session.append("GUILD_CREATE", population.guild_create(self.sim, guild, session))
            if fault.guild_delay or number % 20 == 0:
                await asyncio.sleep(fault.guild_delay)


def _ids_are_numbers(data: Json) -> bool:
    ids = [data.get("guild_id"), data.get("channel_id")]
    users = data.get("user_ids") or []
    ids += users if isinstance(users, list) else [users]
    return all(each is None or str(each).isdigit() for each in ids)


def _wish(data: Json) -> Wish:
    channel_id = data.get("channel_id")
    return Wish(
        guild_id=int(data.get("guild_id") or 0),
        channel_id=int(channel_id) if channel_id else None,
        self_mute=bool(data.get("self_mute")),
        self_deaf=bool(data.get("self_deaf")),
    )
