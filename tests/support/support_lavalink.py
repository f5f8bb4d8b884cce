"""A node reduced to its protocol, Lavalink v4; every answer is in the test's hand."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

PASSWORD = "a password"
Json = dict[str, Any]


@dataclass
class Session:
    """One client's session, and its players."""

    id: str
    resuming: bool = False
    socket: web.WebSocketResponse | None = None
    players: dict[str, Json] = field(default_factory=dict)


@dataclass
class Double:
    """What came in, and what is to be answered."""

    url: str = ""
    sessions: dict[str, Session] = field(default_factory=dict)
    handshakes: list[dict[str, str]] = field(default_factory=list)
    calls: list[tuple[str, str, Json]] = field(default_factory=list)
    refuse_handshakes: int = 0
    """So many handshakes are answered 503."""
    frozen: bool = False
    mute: bool = False
    """Its sockets say nothing more, while REST answers: half-open ones look so."""
    """REST does not answer."""
    loads: dict[str, Json] = field(default_factory=dict)
    pings: int = 0
    refuse_tracks: bool = False
    fail_voice: bool = False
    """A voice server that it can't speak with, though it answers."""
    unknown: int = 0
    """So many calls find their session's socket lost."""
    stats_first: bool = False
    begins: bool = False
    """It says that a track starts, as every node does; else the test says it."""
    begins_midway: bool = True
    """A track can be begun at a position; lavaplayer 2.2.6 fails so with every OGG."""
    runner: web.AppRunner | None = None

    async def stop(self) -> None:
        """End the process: sockets break, connections are refused."""
        assert self.runner is not None
        await self.runner.cleanup()

    @property
    def session(self) -> Session:
        """The newest session with a socket."""
        return next(one for one in reversed(self.sessions.values()) if one.socket)

    @property
    def patches(self) -> list[Json]:
        """Bodies of the PATCHes of players."""
        return [
            body
            for method, path, body in self.calls
            if (method, "players" in path) == ("PATCH", True)
        ]

    def called(self, method: str) -> list[str]:
        """Paths that were called so."""
        return [path for found, path, _ in self.calls if found == method]

    async def say(self, message: Json) -> None:
        """Send a message on the newest socket."""
        socket = self.session.socket
        assert socket is not None
        await socket.send_json(message)

    async def event(self, type_: str, guild: int, play_id: str = "", **more: Any) -> None:
        """Send an event."""
        track = {"encoded": "x", "info": {}, "userData": {"play_id": play_id}}
        await self.say(
            {"op": "event", "type": type_, "guildId": str(guild), "track": track, **more}
        )

    async def update(self, guild: int, position: int, *, connected: bool = True) -> None:
        """Send a playerUpdate."""
        state = {"time": 0, "position": position, "connected": connected, "ping": 1}
        await self.say({"op": "playerUpdate", "guildId": str(guild), "state": state})

    async def drop(self, session: Session | None = None) -> None:
        """Close a socket as a lost network does."""
        session = session or self.session
        socket, session.socket = session.socket, None
        assert socket is not None
        if not session.resuming:
            del self.sessions[session.id]
        await socket.close()

    # The server.

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        """Answer a handshake."""
        self.handshakes.append(dict(request.headers))
        if self.refuse_handshakes:
            self.refuse_handshakes -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        wanted = self.sessions.get(request.headers.get("Session-Id", ""))
        resumed = wanted is not None and wanted.socket is None
        session = wanted if resumed and wanted else Session(secrets.token_hex(4))
        session.socket = socket
        self.sessions[session.id] = session
        try:
            await self._hold(session, resumed=resumed, socket=socket)
        finally:  # A client that was killed cancels its handler.
            self._free(session, socket)
        return socket

    async def _hold(
        self, session: Session, *, resumed: bool, socket: web.WebSocketResponse
    ) -> None:
        """Say ready, and listen until the socket ends."""
        if self.stats_first:
            await socket.send_json({"op": "stats", "players": 0, "playingPlayers": 0})
        await socket.send_json({"op": "ready", "resumed": resumed, "sessionId": session.id})
        async for message in socket:
            if message.type is WSMsgType.PING:
                self.pings += 1
                if not (self.frozen or self.mute):
                    await socket.pong(message.data)

    def _free(self, session: Session, socket: web.WebSocketResponse) -> None:
        """Let a session be resumed, or end it."""
        if session.socket is not socket:
            return
        session.socket = None
        if not session.resuming:
            self.sessions.pop(session.id, None)

    async def rest(self, request: web.Request) -> web.Response:
        """Answer a call."""
        body = await request.json() if request.can_read_body else {}
        self.calls.append((request.method, request.path, body))
        if self.frozen:
            await asyncio.sleep(3600)
        if request.headers.get("Authorization") != PASSWORD:
            return web.Response(status=401)
        parts = request.path.strip("/").split("/")
        match request.method, parts:
            case "GET", ["version"]:
                return web.Response(text="4.2.2")
            case "GET", ["v4", "loadtracks"]:
                empty = {"loadType": "empty", "data": {}}
                return web.json_response(self.loads.get(request.query["identifier"], empty))
            case _, ["v4", "sessions", name, *rest]:
                answer = self._session(request.method, name, rest, body)
                if self.begins:
                    await self._begin(name)
                if "track" in body and body.get("position") and not self.begins_midway:
                    await self._break(name, rest[-1])
                return answer
        return web.Response(status=404)

    async def _begin(self, name: str) -> None:
        """Say of each track that has voice and is not paused that it starts, once."""
        session = self.sessions.get(name)
        if session is None or session.socket is None:
            return
        for guild, player in session.players.items():
            track = player["track"]
            sounds = track and player["state"]["connected"] and not player["paused"]
            if not sounds or track.get("begun"):
                continue
            track["begun"] = True
            start = {"op": "event", "type": "TrackStartEvent", "guildId": guild, "track": track}
            await session.socket.send_json(start)

    async def _break(self, name: str, guild: str) -> None:
        """Say what Lavalink 4.2.2 says of an OGG that is begun at a position."""
        session = self.sessions[name]
        player, socket = session.players[guild], session.socket
        assert socket is not None
        about = {"op": "event", "guildId": guild, "track": player["track"]}
        why = {"message": None, "severity": "fault", "cause": "java.lang.NullPointerException"}
        player |= {"track": None}
        await socket.send_json({**about, "type": "TrackStartEvent"})
        await socket.send_json({**about, "type": "TrackExceptionEvent", "exception": why})
        await socket.send_json({**about, "type": "TrackEndEvent", "reason": "loadFailed"})

    def _session(self, method: str, name: str, rest: list[str], body: Json) -> web.Response:
        session = self.sessions.get(name)
        lost, self.unknown = self.unknown > 0, max(0, self.unknown - 1)
        if session is None or session.socket is None or lost:
            return web.json_response({"status": 404, "error": "Not Found"}, status=404)
        match method, rest:
            case "PATCH", []:
                session.resuming = body["resuming"]
                return web.json_response(body)
            case "GET", ["players"]:
                return web.json_response(list(session.players.values()))
            case "PATCH", ["players", guild]:
                if self.fail_voice and "voice" in body:
                    return web.json_response({"status": 500, "message": "no voice"}, status=500)
                if self.refuse_tracks and "track" in body:
                    return web.json_response({"status": 400, "message": "bad track"}, status=400)
                return web.json_response(self._patch(session, guild, body))
            case "DELETE", ["players", guild]:
                session.players.pop(guild, None)
                return web.Response(status=204)
        return web.Response(status=405)

    def _patch(self, session: Session, guild: str, body: Json) -> Json:
        player = session.players.setdefault(guild, player_of(guild))
        if "track" in body:
            track = body["track"]
            encoded = track["encoded"]
            player["track"] = encoded and {"info": {}, **track}
            player["state"]["position"] = 0
        if "position" in body:
            player["state"]["position"] = body["position"]
        if "voice" in body:
            player["voice"] = body["voice"]
            player["state"]["connected"] = True
        player |= {key: body[key] for key in ("paused", "volume") if key in body}
        return player


def player_of(guild: str) -> Json:
    """A player that was just made."""
    return {
        "guildId": guild,
        "track": None,
        "volume": 100,
        "paused": False,
        "state": {"time": 0, "position": 0, "connected": False, "ping": -1},
        "voice": {"token": "", "endpoint": "", "sessionId": ""},
        "filters": {},
    }


@asynccontextmanager
async def running_double(port: int = 0) -> AsyncIterator[Double]:
    """Run a double until the end of the block."""
    double = Double()
    app = web.Application()
    app.router.add_get("/v4/websocket", double.websocket)
    app.router.add_route("*", "/{path:.*}", double.rest)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    double.runner = runner
    try:
        yield double
    finally:
        await runner.cleanup()
