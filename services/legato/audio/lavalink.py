"""One node's REST and websocket: the only module that imports lavalink and speaks Lavalink's v4.

Of lavalink.py only the load results are used. Its client moves players by itself, forgets its
session when it reconnects, handles messages out of order and ends at the first refused handshake;
so the transport is our own, and every decision is `nodes`'.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Literal

import aiohttp
import lavalink
import msgspec
import structlog

from legato import queries, telemetry
from legato.audio import frames
from legato.audio.nodestate import NodeState, Patch
from legato.contracts.fleet import Node
from legato.contracts.tracks import Track
from legato.errors import Unavailable
from legato.protocol.lease import CALL

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

TIMEOUT = CALL
"""Of one call."""
LOAD_TIMEOUT = timedelta(seconds=20)


class SessionUnknown(Exception):
    """The node answers 404 for a session: it waits for its owner, or is gone."""


class Unreachable(Unavailable):
    """Nobody listens at the node's address."""


class Failed(Unavailable):
    """The node is there, and could not do what was asked."""


class Refused(Exception):
    """The node says that a request makes no sense to it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a query led to."""

    kind: Literal["track", "playlist", "search", "empty", "error"]
    tracks: tuple[Track, ...] = ()
    playlist: str = ""
    detail: str = ""


class Socket:
    """An open websocket; a frame is any sign of life, pongs included."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def receive(self) -> frames.Frame | Literal["life"] | None:
        """Wait for the next frame; None: the socket is closed."""
        message = await self._socket.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT:
                return _frame(message.data)
            case aiohttp.WSMsgType.PING:
                await self._socket.pong(message.data)
                return "life"
            case aiohttp.WSMsgType.PONG | aiohttp.WSMsgType.BINARY:
                return "life"
            case _:
                return None

    async def ping(self) -> None:
        """Send a ping; the node drops a silent socket after 15 s."""
        with _reaching("ping"):
            await self._socket.ping()


@dataclass(frozen=True, slots=True)
class Fence:
    """What a change of a node must respect: it begins only where it surely ends in time."""

    within: timedelta = TIMEOUT
    """The time-out of a change."""
    allow: Callable[[timedelta], None] = lambda _: None
    """Raises where a call of that length may not begin."""


class NodeClient:
    """One node, as one bot sees it."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        node: Node,
        *,
        user_id: int,
        tracing: telemetry.Tracing | None = None,
        fence: Fence | None = None,
    ) -> None:
        """`fence` is asked before every change."""
        self.node = node
        self._fence = fence or Fence()
        self._tracing = tracing
        self._http = http
        self._base = node.url.rstrip("/")
        self._headers = {"Authorization": node.password}
        self._user_id = str(user_id)

    def allow(self) -> None:
        """Raise where nothing may be begun with the node now."""
        self._fence.allow(self._fence.within)

    @asynccontextmanager
    async def connect(self, session_id: str) -> AsyncIterator[tuple[Socket, frames.Ready]]:
        """Open the websocket, asking for an old session if there is one; closed at the end."""
        headers = {
            **self._headers,
            "User-Id": self._user_id,
            "Client-Name": f"Legato/{version('legato')}",
            **({"Session-Id": session_id} if session_id else {}),
        }
        async with _anew(headers) as http:
            with _reaching("connect"):
                async with asyncio.timeout(TIMEOUT.total_seconds()):
                    raw = await http.ws_connect(
                        f"{self._base}/v4/websocket",
                        autoping=False,
                        timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                        max_msg_size=0,
                    )
            try:
                socket = Socket(raw)
                with _reaching("ready"):
                    async with asyncio.timeout(TIMEOUT.total_seconds()):
                        ready = await _ready(socket)
                yield socket, ready
            finally:
                await raw.close(code=aiohttp.WSCloseCode.OK)

    async def set_resuming(self, session_id: str, *, timeout: timedelta) -> None:
        """Let the session wait for us after a lost socket."""
        body = {"resuming": True, "timeout": round(timeout.total_seconds())}
        await self._call("PATCH", f"/v4/sessions/{session_id}", msgspec.json.encode(body))

    async def players(self, session_id: str) -> dict[int, frames.Player]:
        """List a session's players; SessionUnknown where it isn't open."""
        raw = await self._call("GET", f"/v4/sessions/{session_id}/players")
        with _reading("players"):
            found = msgspec.json.decode(raw, type=list[frames.Player])
            return {int(player.guild_id): player for player in found}

    async def player(self, session_id: str, guild_id: int) -> NodeState | None:
        """Look at one player; None: the node does not know the guild."""
        found = (await self.players(session_id)).get(guild_id)
        return self._found(found) if found else None

    async def patch(self, session_id: str, guild_id: int, patch: Patch) -> NodeState:
        """Change a player; after Unavailable it may have been changed."""
        path = f"/v4/sessions/{session_id}/players/{guild_id}?noReplace=false"
        raw = await self._call("PATCH", path, msgspec.json.encode(patch))
        with _reading("a player"):
            return self._found(msgspec.json.decode(raw, type=frames.Player))

    async def delete(self, session_id: str, guild_id: int) -> None:
        """Destroy a player; one that isn't there is fine."""
        try:
            await self._call("DELETE", f"/v4/sessions/{session_id}/players/{guild_id}")
        except SessionUnknown:
            return

    async def probe(self, *, within: timedelta) -> None:
        """Ask for a sign of life; Unavailable where there is none in time."""
        await self._ask_anew("/version", within=within)

    async def holds(self, session_id: str) -> bool:
        """Ask whether a session's socket counts as open."""
        try:
            await self._ask_anew(f"/v4/sessions/{session_id}/players", within=TIMEOUT)
        except SessionUnknown:
            return False
        return True

    async def load(self, query: str, *, timeout: timedelta = LOAD_TIMEOUT) -> Loaded:
        """Ask what a link or a search is."""
        raw = await self._call(
            "GET", "/v4/loadtracks", params={"identifier": query}, timeout=timeout
        )
        with _reading("what was loaded"):
            return _loaded(raw)

    def _found(self, player: frames.Player) -> NodeState:
        return player.found(lead=self.node.lead)

    @contextmanager
    def _traced(self, name: str) -> Iterator[str]:
        """Open a span inside where something is traced; what nobody asked for has none."""
        if self._tracing is None or not telemetry.traceparent():
            yield ""
            return
        with self._tracing.span(name, attributes={"legato.node": self.node.name}):
            yield telemetry.traceparent()

    async def _ask_anew(self, path: str, *, within: timedelta) -> None:
        """Ask over a connection of its own."""
        timeout = aiohttp.ClientTimeout(total=within.total_seconds())
        with _reaching(f"GET {path}"):
            async with (
                _anew(self._headers) as http,
                http.get(self._base + path, timeout=timeout) as answer,
            ):
                raw = await answer.read()
        _checked(answer.status, raw)

    async def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        params: dict[str, str] | None = None,
        timeout: timedelta = TIMEOUT,
    ) -> bytes:
        if method in {"PATCH", "DELETE"}:
            timeout = self._fence.within
            self.allow()
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        with (
            self._traced(f"node {method} {_route(path)}") as trace,
            _reaching(f"{method} {path.partition('?')[0]}"),
        ):
            if trace:
                headers["traceparent"] = trace
            async with self._http.request(
                method,
                self._base + path,
                data=body,
                params=params,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout.total_seconds()),
            ) as answer:
                raw = await answer.read()
        return _checked(answer.status, raw)


def _anew(headers: Mapping[str, str]) -> aiohttp.ClientSession:
    """Begin with a connection of one's own: one that was kept may be dead with the socket."""
    connector = aiohttp.TCPConnector(force_close=True)
    return aiohttp.ClientSession(connector=connector, headers=headers)


def _route(path: str) -> str:
    """Name a path without its ids: a session's is worth hiding, and names should be few."""
    parts = path.partition("?")[0].split("/")
    after_ids = {"sessions", "players"}
    return "/".join(
        "…" if before in after_ids else part
        for before, part in zip(["", *parts], parts, strict=False)
    )


def _checked(status: int, raw: bytes) -> bytes:
    if status < 300:
        return raw
    if status == 404:
        raise SessionUnknown
    if status in {400, 422}:
        raise Refused(_problem(raw))
    raise Failed("node", f"answered {status}: {_problem(raw)}")


def _problem(raw: bytes) -> str:
    try:
        found = msgspec.json.decode(raw, type=frames.Problem)
    except msgspec.DecodeError:
        return ""
    return found.message or found.error


async def _ready(socket: Socket) -> frames.Ready:
    """Wait for `ready`; `stats` may come before it."""
    while True:
        match await socket.receive():
            case frames.Ready() as ready:
                return ready
            case None:
                raise Unavailable("node", "closed the socket before it was ready")
            case _:
                continue


_frames: msgspec.json.Decoder[frames.Frame] = msgspec.json.Decoder(frames.Frame)


def _frame(text: str) -> frames.Frame | Literal["life"]:
    try:
        return _frames.decode(text)
    except msgspec.DecodeError as error:
        log.debug("a frame that is not known", why=str(error))
        return "life"


def _loaded(raw: bytes) -> Loaded:
    result = lavalink.LoadResult.from_dict(msgspec.json.decode(raw))
    tracks = tuple(_track(track) for track in result.tracks)
    match result.load_type:
        case lavalink.LoadType.TRACK:
            return Loaded("track", tracks)
        case lavalink.LoadType.PLAYLIST:
            return Loaded("playlist", tracks, playlist=result.playlist_info.name)
        case lavalink.LoadType.SEARCH:
            return Loaded("search", tracks)
        case lavalink.LoadType.ERROR:
            return Loaded("error", detail=result.error.message or "")
        case _:
            return Loaded("empty")


def _track(track: lavalink.AudioTrack) -> Track:
    return Track(
        encoded=track.track or "",
        identifier=queries.storable(track.identifier),
        title=queries.storable(track.title),
        author=queries.storable(track.author),
        uri=_storable(track.uri),
        artwork_url=_storable(track.artwork_url),
        source_name=queries.storable(track.source_name),
        isrc=_storable(track.isrc),
        length=0 if track.is_stream else track.duration,
        is_stream=track.is_stream,
        is_seekable=track.is_seekable,
    )


def _storable(text: str | None) -> str | None:
    return text and queries.storable(text)


@contextmanager
def _reaching(what: str) -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        raise Unreachable("node", f"{what}: {type(error).__name__}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable("node", f"{what}: {type(error).__name__}") from error


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Take an answer that makes no sense for none: the next may make some."""
    try:
        yield
    except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
        raise Unavailable("node", f"{what}: {type(error).__name__}") from error
