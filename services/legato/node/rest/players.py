"""Sessions and their players."""

from typing import Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET

from legato.node import player, protocol, track
from legato.node.errors import RequestError
from legato.node.node import Node
from legato.node.players import PlayerShell
from legato.node.rest.edge import json
from legato.node.sessions import Session

PLAYERS = "/v4/sessions/{session}/players"
MOST_ID = (1 << 63) - 1
"""Guild ids are Java's longs."""

Body = TypeVar("Body", protocol.PlayerUpdate, protocol.SessionUpdate)
Resolved = protocol.Track | Literal["same"] | None


def routes(node: Node) -> list[web.RouteDef]:
    """List the routes."""
    players = _Players(node)
    return [
        web.get(PLAYERS, players.many),
        web.get(PLAYERS + "/{guild}", players.one),
        web.patch(PLAYERS + "/{guild}", players.patch),
        web.delete(PLAYERS + "/{guild}", players.delete),
        web.patch("/v4/sessions/{session}", players.configure),
    ]


class _Players:
    """What is asked of a session and its players."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def many(self, request: web.Request) -> web.Response:
        return json([shell.show() for shell in self._node.players(self._session(request)).values()])

    async def one(self, request: web.Request) -> web.Response:
        shell = self._node.players(self._session(request)).get(_guild(request))
        if shell is None:
            raise RequestError(404, "Player not found")
        return json(shell.show())

    async def patch(self, request: web.Request) -> web.Response:
        session, guild = self._session(request), _guild(request)
        update = _body(await request.read(), protocol.PlayerUpdate)
        _check(update)
        shell = self._node.player(session, guild)
        async with shell.lock:
            await _apply(self._node, shell, update, no_replace=_flag(request, "noReplace"))
        return json(shell.show())

    async def delete(self, request: web.Request) -> web.Response:
        await self._node.destroy(self._session(request), _guild(request))
        return web.Response(status=204)

    async def configure(self, request: web.Request) -> web.Response:
        session = self._session(request)
        update = _body(await request.read(), protocol.SessionUpdate)
        self._node.sessions.configure(
            session,
            resuming=None if update.resuming is UNSET else update.resuming,
            timeout=None if update.timeout is UNSET else update.timeout,
        )
        return json(_configured(session))

    def _session(self, request: web.Request) -> Session:
        return self._node.session(request.match_info["session"])


async def _apply(
    node: Node, shell: PlayerShell, update: protocol.PlayerUpdate, *, no_replace: bool
) -> None:
    """Join voice first, then resolve the track, then change the player, as Lavalink does."""
    if update.voice is not UNSET:
        await shell.join(update.voice)
    resolved: Resolved = "same"
    if not (no_replace and shell.core.track is not None):
        resolved = await _track(node, update)
    shell.take(player.patch_of(update, resolved, no_replace=no_replace))


async def _track(node: Node, update: protocol.PlayerUpdate) -> Resolved:
    encoded, identifier = _wanted(update)
    if isinstance(identifier, str):
        return await node.resolve(identifier)
    if encoded is UNSET:
        return "same"
    if encoded is None:
        return None
    try:
        return track.public(encoded)
    except track.BadTrack as error:
        raise RequestError(400, f"Bad track: {error}") from error


def _wanted(
    update: protocol.PlayerUpdate,
) -> tuple[str | msgspec.UnsetType | None, str | msgspec.UnsetType]:
    """Find the track's two fields, new or old."""
    if update.track is not UNSET:
        return update.track.encoded, update.track.identifier
    return update.encoded_track, update.identifier


def _check(update: protocol.PlayerUpdate) -> None:
    """Refuse what Lavalink refuses, with its words; raises RequestError."""
    old = update.encoded_track is not UNSET or update.identifier is not UNSET
    if update.track is not UNSET and old:
        raise RequestError(400, "Cannot specify both track and encodedTrack/identifier")
    if UNSET not in _wanted(update):
        raise RequestError(400, "Cannot specify both encodedTrack and identifier")
    voice = update.voice
    if voice is not UNSET and not all(
        (voice.token, voice.endpoint, voice.session_id, voice.channel_id)
    ):
        raise RequestError(400, "Partial Lavalink voice state")
    if isinstance(update.end_time, int) and update.end_time <= 0:
        raise RequestError(400, "End time must be greater than 0")


def _body(body: bytes, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.MsgspecError as error:
        raise RequestError(400, f"Malformed body: {error}") from error


def _guild(request: web.Request) -> int:
    text = request.match_info["guild"]
    if not (text.isascii() and text.isdigit()) or int(text) > MOST_ID:
        raise RequestError(400, "The guild id is no number")
    return int(text)


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "false").lower() == "true"


def _configured(session: Session) -> dict[str, object]:
    return {"resuming": session.resuming, "timeout": int(session.timeout)}
