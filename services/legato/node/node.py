"""The node as a whole: sessions, their players, and what happens by the clock."""

import asyncio
import secrets
import string
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import msgspec

from legato.node import protocol, stats
from legato.node.engine import Engine
from legato.node.errors import MediaError, RequestError
from legato.node.players import PlayerShell, Surroundings
from legato.node.sessions import Opened, Session, Sessions
from legato.node.settings import NodeSettings

SESSION_ID = string.ascii_lowercase + string.digits
LOOK_INTERVAL = 0.25
"""Seconds between two looks at waiting sessions and starving players."""

Send = Callable[[bytes], None]


class Client(Protocol):
    """A client's socket."""

    async def close(self) -> None:
        """Say goodbye."""


class _Ready(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    op: str = "ready"
    resumed: bool
    session_id: str


class _LoadType(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    load_type: str


class Node:
    """Everything that requests and sockets act on."""

    def __init__(self, settings: NodeSettings, around: Surroundings) -> None:
        self.settings = settings
        self.around = around
        self.sessions = Sessions(timeout=settings.resume_timeout.total_seconds())
        self.usage = stats.Usage()
        self._players: dict[str, dict[int, PlayerShell]] = {}
        self._windows: dict[str, stats.Window] = {}
        self._sockets: dict[int, Send] = {}
        self.sockets: set[Client] = set()
        self.loads: Counter[str] = Counter()
        """Links that were asked about, by what came of it."""
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def engine(self) -> Engine:
        """The child processes."""
        return self.around.engine

    def connect(self, socket: int, send: Send, user: str, wanted: str | None) -> Opened:
        """Give a client's socket its session and greet it."""
        fresh = "".join(secrets.choice(SESSION_ID) for _ in range(16))
        opened = self.sessions.open(socket, user, wanted=wanted, fresh=fresh)
        session = opened.session
        self._sockets[socket] = send
        self._players.setdefault(session.id, {})
        self._windows.setdefault(session.id, stats.Window())
        self._tell(session, _Ready(resumed=opened.resumed, session_id=session.id), keep=False)
        for message in opened.missed:
            send(message)
        if opened.resumed:
            for shell in self._players[session.id].values():
                shell.update()
        return opened

    def disconnect(self, socket: int) -> None:
        """Note that a client's socket is gone."""
        self._sockets.pop(socket, None)
        over = self.sessions.close(socket, now=time.monotonic())
        if over is not None:
            self._end(over)

    def session(self, id: str) -> Session:  # noqa: A002 - the protocol's word
        """Find a session; raises RequestError."""
        found = self.sessions.visible(id)
        if found is None:
            raise RequestError(404, "Session not found")
        return found

    def players(self, session: Session) -> dict[int, PlayerShell]:
        """List a session's players."""
        return self._players[session.id]

    def player(self, session: Session, guild: int) -> PlayerShell:
        """Find a player, or make it; raises RequestError."""
        players = self._players[session.id]
        if guild not in players:
            if sum(map(len, self._players.values())) >= self.settings.max_players:
                raise RequestError(503, "This node has as many players as it may")
            players[guild] = PlayerShell(
                guild,
                session.user_id,
                self.around,
                lambda message, keep: self._tell(session, message, keep=keep),
            )
        return players[guild]

    async def destroy(self, session: Session, guild: int) -> None:
        """End one player."""
        shell = self._players[session.id].pop(guild, None)
        if shell is not None:
            await shell.destroy()

    async def load(self, identifier: str) -> bytes:
        """Ask what is behind a link, and count it; gives loadtracks' JSON."""
        result = "error"
        try:
            body = await self.engine.workers.load(identifier)
            result = msgspec.json.decode(body, type=_LoadType).load_type
        except MediaError as error:
            body = msgspec.json.encode(
                protocol.load_failure(error.message, error.severity, error.cause)
            )
        finally:
            self.loads[result] += 1
        return body

    async def resolve(self, identifier: str) -> protocol.Track:
        """Load a link that must be one track; raises RequestError."""
        loaded = msgspec.json.decode(await self.load(identifier), type=protocol.LoadedTrack)
        match loaded.load_type:
            case "track":
                return msgspec.json.decode(loaded.data, type=protocol.Track)
            case "empty":
                raise RequestError(400, "No matches found for identifier")
            case "error":
                why = msgspec.json.decode(loaded.data, type=protocol.ExceptionInfo)
                raise RequestError(500, why.message or "Loading failed")
            case _:
                raise RequestError(400, "Cannot play a playlist or search result")

    def all_players(self) -> list[PlayerShell]:
        """List the players of every session."""
        return [shell for players in self._players.values() for shell in players.values()]

    def seen_players(self) -> list[PlayerShell]:
        """List the players of connected sessions, which is what Lavalink counts."""
        return [
            shell
            for session in self.sessions
            if session.open
            for shell in self._players[session.id].values()
        ]

    async def keep_time(self) -> None:
        """Send updates and stats, notice what waits too long; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.engine.workers.watch())
            patience = self.settings.worker_timeout.total_seconds()
            group.create_task(self.engine.keys.watch(patience))
            group.create_task(self._every(LOOK_INTERVAL, self._look))
            group.create_task(self._every(1.0, self._sample))
            interval = self.settings.player_update_interval.total_seconds()
            group.create_task(self._every(interval, self._update))
            group.create_task(
                self._every(self.settings.stats_interval.total_seconds(), self._stats)
            )

    async def close(self) -> None:
        """Leave every voice server at the same time; no track is said to have ended."""
        await asyncio.gather(*(shell.hush() for shell in self.all_players()))
        await asyncio.gather(*(client.close() for client in tuple(self.sockets)))

    async def _every(self, interval: float, act: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(interval)
            act()

    def _look(self) -> None:
        for session in self.sessions.expire(now=time.monotonic()):
            self._end(session)
        for shell in self.all_players():
            shell.look()

    def _update(self) -> None:
        for shell in self.all_players():
            if shell.core.track is not None:
                shell.update()

    def _sample(self) -> None:
        for id_, players in self._players.items():
            lanes = {shell.lane.number: shell.lane.page.words for shell in players.values()}
            self._windows[id_].sample(lanes)

    def _stats(self) -> None:
        for session in self.sessions:
            frames = self._windows[session.id].frames() if self._players[session.id] else None
            self._tell(session, self.usage.message(self.seen_players(), frames), keep=False)

    def _end(self, session: Session) -> None:
        """Destroy a session's players."""
        self._windows.pop(session.id, None)
        for shell in self._players.pop(session.id, {}).values():
            task = asyncio.create_task(shell.destroy())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _tell(self, session: Session, message: msgspec.Struct, *, keep: bool) -> None:
        body = msgspec.json.encode(message)
        socket = self.sessions.emit(session, body, keep=keep)
        send = self._sockets.get(socket) if socket is not None else None
        if send is not None:
            send(body)
