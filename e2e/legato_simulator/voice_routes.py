"""The voice half over HTTP: reports, faults, the room's sound and the music, for one app.

Everything under /control/voice answers JSON in the shapes of the Structs it names. It decides
nothing: each route calls one method.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from legato_simulator.continuity import Arrival
from legato_simulator.control_stream import ControlStream
from legato_simulator.dave.policy import Policy
from legato_simulator.ear import Ear
from legato_simulator.library import Library
from legato_simulator.listener import Listener, Report
from legato_simulator.sound import Sound
from legato_simulator.voice_endpoint import Death
from legato_simulator.voice_faults import VoiceFaults
from legato_simulator.voice_server import VoiceServer
from legato_simulator.voice_session import Connection

Shape = TypeVar("Shape")
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Overview(Struct, frozen=True, kw_only=True):
    """The voice server as a whole."""

    regions: dict[str, str]
    connections: list[Connection]
    listeners: list[tuple[int, int]]
    """(guild, user) of every bot ever heard."""
    identifies: int
    resumes: int
    refusals: list[int]
    closes: list[tuple[int, int, int]]
    counts: dict[str, dict[str, int]]


class NewRegion(Struct, frozen=True, kw_only=True):
    """A voice server to add: live, or dead in some way."""

    name: str
    death: Death | None = None
    host: str | None = None
    """A name of its own in its endpoint, where that leads here and the certificate has it."""


class End(Struct, frozen=True, kw_only=True):
    """How a voice server dies."""

    death: Death = "refused"


class Place(Struct, frozen=True, kw_only=True):
    """The voice server that a guild is given from its next join on."""

    region: str


class Demand(Struct, frozen=True, kw_only=True):
    """What encryption a guild's calls demand, from now on."""

    policy: Policy


class Close(Struct, frozen=True, kw_only=True):
    """How to end a call."""

    code: int = 4014


class Voice:
    """What voice needs beside its server: the ear, the control stream, the music."""

    def __init__(self, server: VoiceServer, *, cache: Path | None = None) -> None:
        self.server = server
        self.ear = Ear()
        self.control = ControlStream(server)
        self.library = Library(cache)
        self._sound = Sound(server)

    async def start(self) -> None:
        """Open the voice servers."""
        await self.server.start()

    async def stop(self) -> None:
        """End the helpers' processes, then every connection."""
        await self.library.stop()
        await self.control.stop()
        await self.ear.stop()
        await self.server.stop()

    def routes(self) -> list[web.RouteDef]:
        """List every route of the voice half."""
        one = r"/control/voice/{guild_id:\d+}/{user_id:\d+}"
        return [
            web.get("/control/voice", self._overview),
            web.post("/control/voice/regions", self._add_region),
            web.post("/control/voice/regions/{name}/death", self._kill_region),
            web.put("/control/voice/faults", self._faults),
            web.put(r"/control/voice/{guild_id:\d+}/faults", self._faults),
            web.put(r"/control/voice/{guild_id:\d+}/region", self._place),
            web.get("/control/voice/encryption", self._encryption),
            web.put("/control/voice/encryption", self._demand),
            web.get(r"/control/voice/{guild_id:\d+}/encryption", self._encryption),
            web.put(r"/control/voice/{guild_id:\d+}/encryption", self._demand),
            web.post("/control/voice/control-stream/start", self._control_start),
            web.post("/control/voice/control-stream/stop", self._control_stop),
            web.get("/control/voice/control-stream", self._control_report),
            web.get(f"{one}/report", self._report),
            web.get(f"{one}/heard", self._heard),
            web.get(f"{one}/moments", self._moments),
            web.post(f"{one}/close", self._close),
            *(web.post(f"{one}/{act}", self._act(act)) for act in ACTS),
            *self._sound.routes(),
            *self.library.routes(),
        ]

    async def _overview(self, _request: web.Request) -> web.Response:
        server = self.server
        return _json(
            Overview(
                regions=server.regions,
                connections=server.connections(),
                listeners=[(one.guild_id, one.user_id) for one in server.listeners()],
                identifies=server.identifies,
                resumes=server.resumes,
                refusals=server.refusals,
                closes=server.closes,
                counts=server.counts(),
            )
        )

    async def _add_region(self, request: web.Request) -> web.Response:
        body = await _body(request, NewRegion)
        if body.death is None:
            endpoint = await self.server.add_region(body.name, body.host)
        else:
            endpoint = await self.server.add_dead_region(body.name, body.death)
        return _json({"endpoint": endpoint})

    async def _kill_region(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await _body(request, End)
        try:
            await self.server.kill_region(name, body.death)
        except KeyError as error:
            raise web.HTTPNotFound(text=f"there is no live region {name}\n") from error
        return _json(body)

    async def _faults(self, request: web.Request) -> web.Response:
        guild_id = request.match_info.get("guild_id")
        faults = await _body(request, VoiceFaults)
        self.server.set_faults(faults, guild_id=int(guild_id) if guild_id else None)
        return _json(faults)

    async def _encryption(self, request: web.Request) -> web.Response:
        told = self.server.calls.told()
        guild_id = request.match_info.get("guild_id")
        return _json([each for each in told if guild_id in {None, str(each.guild_id)}])

    async def _demand(self, request: web.Request) -> web.Response:
        body = await _body(request, Demand)
        guild_id = request.match_info.get("guild_id")
        self.server.calls.demand(body.policy, int(guild_id) if guild_id else None)
        return _json(body)

    async def _place(self, request: web.Request) -> web.Response:
        body = await _body(request, Place)
        try:
            self.server.place(int(request.match_info["guild_id"]), body.region)
        except KeyError as error:
            raise web.HTTPNotFound(text=f"there is no region {body.region}\n") from error
        return _json(body)

    async def _control_start(self, _request: web.Request) -> web.Response:
        await self.control.start()
        return _json(self.control.report())

    async def _control_stop(self, _request: web.Request) -> web.Response:
        await self.control.stop()
        return _found(self.control.report())

    async def _control_report(self, request: web.Request) -> web.Response:
        return _found(self.control.report(since=_since(request)))

    async def _report(self, request: web.Request) -> web.Response:
        listener = self._listener(request)
        ids = (listener.guild_id, listener.user_id)
        return _json(self.server.report(*ids, since=_since(request)))

    async def _heard(self, request: web.Request) -> web.Response:
        arrivals, before = self._stretch(request)
        return _json(await self.ear.heard(arrivals, before=before))

    async def _moments(self, request: web.Request) -> web.Response:
        arrivals, before = self._stretch(request)
        return _json(await self.ear.moments(arrivals, before=before))

    async def _close(self, request: web.Request) -> web.Response:
        body = await _body(request, Close)
        await self.server.close(*_ids(request), body.code)
        return _json(body)

    def _act(self, act: str) -> Serve:
        async def serve(request: web.Request) -> web.Response:
            socket = self.server.socket(*_ids(request))
            if socket is None:
                raise web.HTTPNotFound(text="no websocket is open for this bot\n")
            match act:
                case "freeze":
                    socket.freeze()
                case "thaw":
                    await socket.thaw()
                case "swallow":
                    socket.swallow()
                case _:
                    socket.drop()
            return _json({"done": act})

        return serve

    def _stretch(self, request: web.Request) -> tuple[list[Arrival], list[Arrival]]:
        """Take what came since the moment asked about, and the little before it."""
        listener, since = self._listener(request), _since(request)
        return listener.since(since), listener.before(since)

    def _listener(self, request: web.Request) -> Listener:
        listener = self.server.listener(*_ids(request))
        if listener is None:
            raise web.HTTPNotFound(text="nothing was ever heard of this bot here\n")
        return listener


ACTS = ("freeze", "thaw", "swallow", "drop")


def _ids(request: web.Request) -> tuple[int, int]:
    return int(request.match_info["guild_id"]), int(request.match_info["user_id"])


def _since(request: web.Request) -> float | None:
    """Read `?since=` (the simulator's clock, s)."""
    text = request.query.get("since")
    try:
        return None if text is None else float(text)
    except ValueError as error:
        raise web.HTTPBadRequest(text="since is a number of seconds\n") from error


async def _body(request: web.Request, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=shape)
    except msgspec.MsgspecError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from error


def _found(report: Report | None) -> web.Response:
    if report is None:
        raise web.HTTPNotFound(text="nothing was ever heard of it\n")
    return _json(report)


def _json(body: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")
