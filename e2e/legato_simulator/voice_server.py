"""The voice side of the simulated Discord: who may connect, who is connected, who is heard.

The gateway side calls `open`, `move` and `close`; tests call the rest. It knows no guild's
settings and no sound: packets go to each bot's listener as they come.
"""

import asyncio
import secrets
import time
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from legato_simulator.audience import Audience
from legato_simulator.calls import VoiceCredentials
from legato_simulator.certs import Certificates
from legato_simulator.dave import policy as dave
from legato_simulator.dave.mls import ExternalSender
from legato_simulator.dave.policy import Policy
from legato_simulator.listener import KEPT_PACKETS, Listener, Report
from legato_simulator.voice_call import VoiceCall
from legato_simulator.voice_calls import VoiceCalls
from legato_simulator.voice_endpoint import (
    LOOPBACK,
    DeadEndpoint,
    Death,
    Endpoint,
    LiveEndpoint,
    Reach,
)
from legato_simulator.voice_faults import FaultBook, VoiceFaults
from legato_simulator.voice_session import (
    Connection,
    Grant,
    Identify,
    Resume,
    VoiceSession,
)
from legato_simulator.voice_socket import KEPT_OPEN, VoiceSocket
from legato_simulator.voice_udp import VoiceUdp

BAD_TOKEN, SESSION_INVALID, DISCONNECTED = 4004, 4006, 4014

Key = tuple[int, int]


class VoiceServer:
    """Voice servers of several regions, in one process."""

    def __init__(
        self,
        certificates: Certificates,
        *,
        regions: tuple[str, ...] = ("harbour", "hill"),
        keep: int = KEPT_PACKETS,
        policy: Policy = Policy.OFF,
        reach: Reach = LOOPBACK,
    ) -> None:
        self.certificates = certificates
        self.closes: list[tuple[int, int, int]] = []
        """(guild, user, code) of every close this side began."""
        self.identifies = self.resumes = 0
        self.refusals: list[int] = []
        self._regions, self.reach = regions, reach
        self._endpoints: dict[str, Endpoint] = {}
        self._grants: dict[Key, Grant] = {}
        self._sessions: dict[Key, VoiceSession] = {}
        self._sockets: dict[Key, VoiceSocket] = {}
        self._fallen: list[LiveEndpoint] = []
        self._open: set[VoiceSocket] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._by_ssrc: dict[int, tuple[VoiceSession, Listener]] = {}
        self._audience = Audience(keep)
        self._faults = FaultBook()
        self._places: dict[int, str] = {}
        self.calls = VoiceCalls(policy, ExternalSender(), self._deliver, self._faults)
        self._next_ssrc = secrets.randbelow(1 << 20) + 1

    # For whoever runs it.

    async def start(self) -> None:
        """Open the ports of every region."""
        for name in self._regions:
            await self.add_region(name)

    async def stop(self) -> None:
        """Close every connection and port."""
        for socket in list(self._open):
            socket.drop()
        await asyncio.gather(*self._closing)
        for endpoint in (*self._endpoints.values(), *self._fallen):
            await endpoint.stop()
        self._endpoints.clear()
        self.calls.stop()

    async def add_region(self, name: str, host: str | None = None) -> str:
        """Open one more voice server, and give its endpoint; `host` is a name of its own there."""

        async def serve(request: web.Request) -> web.StreamResponse:
            socket = VoiceSocket(self, request, name)
            self._open.add(socket)
            return await socket.serve()

        udp = VoiceUdp(self._media, self._faults_of_ssrc, self._spend_drop)
        live = LiveEndpoint(name, udp, replace(self.reach, host=host or self.reach.host))
        await live.start(serve, self.certificates.server_context())
        self._endpoints[name] = live
        return live.address

    async def add_dead_region(self, name: str, death: Death) -> str:
        """Make a voice server that refuses, is silent or speaks no TLS, and give its endpoint."""
        dead = DeadEndpoint(name, death, self.reach)
        await dead.start()
        self._endpoints[name] = dead
        return dead.address

    async def kill_region(self, name: str, death: Death) -> None:
        """Let a live voice server die under its calls: reset, or silent for ever; nothing is told.

        What is sent there from now on reaches nobody.
        """
        live = self._endpoints[name]
        if not isinstance(live, LiveEndpoint):
            raise KeyError(name)
        await live.fall()
        self._fallen.append(live)
        dead = DeadEndpoint(name, death, self.reach, live.port)
        await dead.start()
        self._endpoints[name] = dead
        for key, session in list(self._sessions.items()):
            if session.grant.region == name:
                self._forget(key)
        for socket in [one for one in self._open if one.region == name]:
            if death == "silent":
                socket.swallow()
            else:
                socket.drop()

    # For the gateway side.

    async def open(
        self,
        guild_id: int,
        channel_id: int,
        user_id: int,
        session_id: str,
        *,
        stage: bool = False,
    ) -> VoiceCredentials:
        """Allow a bot's gateway session to connect: what VOICE_SERVER_UPDATE is to carry.

        The same session in the same place is given the same token again; an older connection
        goes on until a newer one identifies, unless the guild has another voice server by now.
        """
        if stage:
            self.calls.stage(guild_id, channel_id)
        key, region = (guild_id, user_id), self._places.get(guild_id, self._regions[0])
        before = self._grants.get(key)
        same = before is not None and (before.session_id, before.region) == (session_id, region)
        token = before.token if before and same else secrets.token_hex(16)
        if before is not None and before.region != region:
            self._end(key, DISCONNECTED)
        self._grants[key] = Grant(guild_id, channel_id, user_id, session_id, token, region, stage)
        return VoiceCredentials(token=token, endpoint=self._endpoints[region].address)

    async def close(self, guild_id: int, user_id: int, code: int = DISCONNECTED) -> None:
        """End a bot's call with any code; after 4000, 4009 and 4015 it may resume."""
        key = (guild_id, user_id)
        if code not in KEPT_OPEN:
            self._grants.pop(key, None)
        self._end(key, code)

    def place(self, guild_id: int, region: str) -> None:
        """Choose a guild's voice server, live or dead, from its next `open` on."""
        if region not in self._endpoints:
            raise KeyError(region)
        self._places[guild_id] = region

    async def move(self, guild_id: int, user_id: int, region: str) -> VoiceCredentials | None:
        """Move a bot's call to another voice server: 4014, then credentials for the new one."""
        self.place(guild_id, region)
        grant = self._grants.get((guild_id, user_id))
        if grant is None:
            return None
        await self.close(guild_id, user_id)
        return await self.open(
            guild_id, grant.channel_id, user_id, grant.session_id, stage=grant.stage
        )

    async def announce(self, guild_id: int, user_id: int, channel_id: int | None) -> None:
        """Tell of a person who came into a call, or, without a channel, left it."""
        self.calls.seat(guild_id, user_id, channel_id)

    # For tests.

    @property
    def regions(self) -> dict[str, str]:
        """Name every region and its endpoint."""
        return {name: endpoint.address for name, endpoint in self._endpoints.items()}

    def set_faults(self, faults: VoiceFaults, *, guild_id: int | None = None) -> None:
        """Put faults in force for a guild, or for all that have none of their own."""
        self._faults.put(faults, guild_id)

    def faults(self, guild_id: int | None) -> VoiceFaults:
        """Look up what is in force."""
        return self._faults.of(guild_id)

    def socket(self, guild_id: int, user_id: int) -> VoiceSocket | None:
        """Give a bot's websocket to freeze, thaw, swallow or drop."""
        return self._sockets.get((guild_id, user_id))

    def connections(self) -> list[Connection]:
        """List every voice session."""
        return [
            Connection(
                guild_id=key[0],
                user_id=key[1],
                channel_id=session.grant.channel_id,
                region=session.grant.region,
                ssrc=session.ssrc,
                mode=session.mode,
                speaking=session.speaking,
                connected=key in self._sockets,
            )
            for key, session in self._sessions.items()
        ]

    def listeners(self) -> list[Listener]:
        """List every bot's ear, also of those that have gone."""
        return self._audience.all()

    def listener(self, guild_id: int, user_id: int | None = None) -> Listener | None:
        """Find a bot's ear; without a user the guild's newest."""
        return self._audience.find(guild_id, user_id)

    def report(self, guild_id: int, user_id: int, *, since: float | None = None) -> Report | None:
        """Say what came from a bot; `since` is a moment of this machine's monotonic clock."""
        listener = self.listener(guild_id, user_id)
        return listener.report(now=time.monotonic(), since=since) if listener else None

    def counts(self) -> dict[str, dict[str, int]]:
        """Say what each region's media socket saw."""
        live = [one for one in self._endpoints.values() if isinstance(one, LiveEndpoint)]
        return {one.name: asdict(one.udp.counts) for one in live}

    # For voice_socket.py.

    async def admit(self, body: Identify, socket: VoiceSocket) -> VoiceSession | int:
        """Open a session for an Identify, ending an older one, or name a close code."""
        self.identifies += 1
        refusal, grant = self._check(body, socket)
        if grant is not None:
            policy = self.calls.policy(grant)
            refusal = refusal or dave.refusal(policy, body.max_dave_protocol_version)
        if refusal or grant is None:
            self.refusals.append(refusal)
            return refusal or SESSION_INVALID
        key = (grant.guild_id, grant.user_id)
        self._end(key, DISCONNECTED)
        self._next_ssrc += 1
        session = VoiceSession(
            grant=grant,
            ssrc=self._next_ssrc,
            token=body.token,
            session_id=body.session_id,
            max_dave_version=body.max_dave_protocol_version,
        )
        self._sessions[key], self._sockets[key] = session, socket
        return session

    async def readmit(self, body: Resume, socket: VoiceSocket) -> VoiceSession | int:
        """Give a session to a new socket, or name a close code."""
        self.resumes += 1
        found = [
            (key, session)
            for key, session in self._sessions.items()
            if (str(key[0]), session.session_id) == (body.server_id, body.session_id)
        ]
        refusal = self.faults(_number(body.server_id)).refuse_resume
        if refusal or not found or not secrets.compare_digest(found[0][1].token, body.token):
            self.refusals.append(refusal or SESSION_INVALID)
            return refusal or SESSION_INVALID
        key, session = found[0]
        older = self._sockets.get(key)
        self._sockets[key] = socket
        if older is not None:
            self._close(older, 4000)
        return session

    def media_address(self, socket: VoiceSocket) -> tuple[str, int]:
        """Name the media address of the socket's endpoint."""
        endpoint = self._endpoints[socket.region]
        port = endpoint.udp.port if isinstance(endpoint, LiveEndpoint) else 0
        return self.reach.ip, port

    def listen(self, session: VoiceSession) -> None:
        """Begin to take the session's media."""
        listener, call = self._audience.of(session), self.call(session)
        call.settles(listener.settle)
        listener.begin(session.ssrc, session.mode, session.key, call.hear)
        self._by_ssrc[session.ssrc] = (session, listener)

    def call(self, session: VoiceSession) -> VoiceCall:
        """Give the call that a client is in."""
        return self.calls.of(session)

    async def gone(self, socket: VoiceSocket) -> None:
        """Take note that a socket has ended: a session that was not ended can be resumed."""
        self._open.discard(socket)
        session = socket.session
        if session is None:
            return
        key = (session.grant.guild_id, session.grant.user_id)
        if self._sockets.get(key) is socket:
            del self._sockets[key]
            if socket.left:
                self._forget(key)
            else:
                self.call(session).lose(session)

    # Its own.

    def _check(self, body: Identify, socket: VoiceSocket) -> tuple[int, Grant | None]:
        guild_id, user_id = _number(body.server_id), _number(body.user_id)
        forced = self.faults(guild_id).refuse_identify
        grant = self._grants.get((guild_id, user_id))
        if forced:
            return forced, grant
        if grant is None or grant.session_id != body.session_id or grant.region != socket.region:
            return SESSION_INVALID, None
        if not secrets.compare_digest(grant.token, body.token):
            return BAD_TOKEN, None
        return 0, grant

    def _end(self, key: Key, code: int) -> None:
        """Close a bot's connection, and forget its session unless it may resume."""
        socket = self._sockets.pop(key, None)
        if code not in KEPT_OPEN:
            self._forget(key)
        elif key in self._sessions:
            self.call(self._sessions[key]).lose(self._sessions[key])
        if socket is not None:
            self.closes.append((*key, code))
            self._close(socket, code)

    def _forget(self, key: Key) -> None:
        """End a session: its packets are strays from now on."""
        session = self._sessions.pop(key, None)
        if session is not None:
            self._by_ssrc.pop(session.ssrc, None)
            self.calls.leave(session)

    def _close(self, socket: VoiceSocket, code: int) -> None:
        """Close in the background: a client that doesn't answer must hold up nobody."""
        task = asyncio.get_running_loop().create_task(socket.close(code))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _deliver(self, session: VoiceSession, op: int, body: Any) -> None:
        """Send to a session's websocket, or keep it for the one that resumes it."""
        socket = self._sockets.get((session.grant.guild_id, session.grant.user_id))
        if socket is not None and socket.session is session:
            await socket.send(op, body)
        else:
            session.message(op, body)

    def _media(self, ssrc: int, data: bytes, at_ns: int) -> bool:
        found = self._by_ssrc.get(ssrc)
        if found is not None:
            found[1].receive(data, at_ns)
            for packet, other in self.call(found[0]).passed_on(found[0], data):
                self._pass_on(packet, other)
        return found is not None

    def _pass_on(self, packet: bytes, to: VoiceSession) -> None:
        """Send one bot another's sound."""
        endpoint = self._endpoints.get(to.grant.region)
        if isinstance(endpoint, LiveEndpoint) and to.address is not None:
            endpoint.udp.send(packet, to.address)

    def _faults_of_ssrc(self, ssrc: int) -> VoiceFaults:
        found = self._by_ssrc.get(ssrc)
        return self._faults.of(found[0].grant.guild_id if found else None)

    def _spend_drop(self, ssrc: int) -> bool:
        found = self._by_ssrc.get(ssrc)
        return self._faults.spend(found[0].grant.guild_id if found else None, "udp_drop_next")


def _number(text: str) -> int:
    """Read a snowflake; anything else is nobody's."""
    return int(text) if text.isascii() and text.isdigit() else 0
