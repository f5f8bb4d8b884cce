"""One partition's connection to one node: opened, kept alive, resumed. Knows no track and no rule.

The lease says who may try; the socket says who drives. A session whose socket still counts as open
is not given out again: the node answers with a new one, and REST tells which it was (ownership.md,
6). A node is down when it can't be reached, or plays silently and does not answer a probe.
"""

import asyncio
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

import structlog

from legato.audio import frames
from legato.audio.events import (
    Internal,
    NodeAssigned,
    NodeLost,
    PositionReported,
    TrackEnded,
    TrackFailed,
    TrackStarted,
    VoiceClosed,
)
from legato.audio.lavalink import NodeClient, Refused, SessionUnknown, Socket, Unreachable
from legato.contracts.fleet import Node
from legato.errors import Unavailable
from legato.lifecycle import is_cancelled
from legato.protocol import sessions
from legato.protocol.sessions import Search

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

State = Literal["connecting", "up", "down"]

HELD = 2
"""A session that another holds is asked for as after so many failures: each time opens another."""


class Silent(Unavailable):
    """A node that should play says nothing, and does not answer."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a connection is."""

    ping: timedelta = timedelta(seconds=5)
    update: timedelta = timedelta(seconds=5)
    """The longest update interval of a node; shorter ones are learned. Lavalink's default."""
    fastest: timedelta = timedelta(seconds=1)
    """No interval is shorter, in our nodes too: an update soon after another is for a seek."""
    doubt: float = 1.25
    """After so many intervals without a word the node is asked for a sign of life..."""
    silence: float = 2.25
    """...and after so many it is down: a move from there takes less than 3 s in all."""
    resume: timedelta = timedelta(seconds=300)
    """How long a session waits for us."""
    held: timedelta = timedelta(seconds=75)
    """How long an old owner may hold the session: isolated for 60 s at most, and a margin."""
    grace: timedelta = timedelta(seconds=3)
    """How long a lost socket is only a lost socket."""
    life: timedelta = timedelta(seconds=1)
    """A socket that lives shorter counts as a failure: without a pause it would be opened anew."""
    backoff: timedelta = timedelta(milliseconds=100)
    longest_backoff: timedelta = timedelta(seconds=5)


class Look:
    """One look at what a node plays; who is changed meanwhile is not told of by it."""

    def __init__(self) -> None:
        self.changed: set[int] = set()


class Port(Protocol):
    """What a connection asks and tells the partition it belongs to."""

    def tell(self, event: Internal, *, node: str = "", session_id: str = "") -> None:
        """Take an event, and which session of which node told it."""

    def seated(self, node: str) -> Iterable[int]:
        """Name the guilds whose players sit on a node."""

    def sounding(self, node: str) -> bool:
        """Whether a player there should be heard, so that reports are due."""

    def now(self) -> int:
        """Server ms."""

    async def keep(self, node: str, session_id: str) -> None:
        """Commit the session's id."""

    def begin_look(self) -> Look:
        """Note from now on whose players are changed, before their node is looked at."""

    def opened(self, link: "NodeLink") -> None:
        """Know that a session is open: what waited for it may go on."""

    async def looked(
        self, link: "NodeLink", found: Mapping[int, frames.Player], look: Look
    ) -> None:
        """Take what a resumed session plays."""


class NodeLink:
    """The connection; `run` keeps it up until cancelled."""

    def __init__(
        self, client: NodeClient, port: Port, *, session_id: str = "", pace: Pace | None = None
    ) -> None:
        """Take the session that the books name, "" for none."""
        self.client = client
        self.session_id = session_id
        self.state: State = "connecting"
        self.stats: frames.Stats | None = None
        self._port = port
        self._pace = pace or Pace()
        self._changed = asyncio.Event()
        self._interval = self._pace.update.total_seconds()
        self._updates: dict[str, float] = {}
        self._updated = 0.0
        self._heard = 0.0
        self._lost_at: float | None = None
        self._search = Search()

    @property
    def node(self) -> Node:
        """The node it leads to."""
        return self.client.node

    @property
    def is_hopeful(self) -> bool:
        """Whether a player may count on it: it is up, or is being opened for the first time.

        A lost socket may be back at once, or only when the node has noticed.
        """
        return self.state == "up" or (self.state == "connecting" and self._lost_at is None)

    async def up(self, *, within: timedelta) -> str:
        """Wait for the session and return its id; Unavailable where the node is down."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while self.state == "connecting":
                    await self._changed.wait()
        except TimeoutError:
            raise Unavailable("node", f"{self.node.name} gave no session yet") from None
        if self.state != "up":
            raise Unavailable("node", f"{self.node.name} is down")
        return self.session_id

    async def run(self) -> None:
        """Connect, and connect again."""
        failures = 0
        while True:
            await self._permission()
            begun = _now()
            try:
                with _lost():
                    await self._live()
                failures = failures + 1 if self._was_brief(begun) else 0
            except Unavailable as error:
                failures += 1
                self._failed(error, begun=begun, failures=failures)
            self._lost_at = self._lost_at or _now()
            if self.state == "up":
                self._become("connecting")
            await asyncio.sleep(self._delay(failures))

    def _was_brief(self, begun: float) -> bool:
        """Tell whether a socket that was up is gone so soon that the node may not be well."""
        return self.state == "up" and _now() - begun < self._pace.life.total_seconds()

    async def _permission(self) -> None:
        """Wait for a lease that is long enough: only who has it may try for the socket."""
        while True:
            try:
                return self.client.allow()
            except Unavailable:
                await asyncio.sleep(self._pace.backoff.total_seconds())

    def _delay(self, failures: int) -> float:
        if self._search.held_since is not None:
            failures = max(failures, HELD)
        elif not failures:
            return 0.0
        longest = self._pace.longest_backoff.total_seconds()
        delay = min(longest, self._pace.backoff.total_seconds() * 2.0 ** min(failures, 16))
        return delay * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, guards nothing

    def _become(self, state: State) -> None:
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    def _failed(self, error: Unavailable, *, begun: float, failures: int) -> None:
        away = _now() - (self._lost_at or begun) > self._pace.grace.total_seconds()
        gone = failures > 1 and isinstance(error, Unreachable)
        if self.state == "down" or not (away or gone or isinstance(error, Silent)):
            return
        log.warning("node down", node=self.node.name, why=str(error))
        self._become("down")
        silent, node = isinstance(error, Silent), self.node.name
        for guild in tuple(self._port.seated(node)):
            lost = NodeLost(guild_id=guild, node=node, is_silent=silent)
            self._port.tell(lost, node=node, session_id=self.session_id)

    async def _live(self) -> None:
        """Hold one socket for as long as it lasts."""
        async with self.client.connect(self.session_id) as (socket, ready):
            if not await self._adopt(ready):
                return
            self._heard = self._updated = _now()
            self._lost_at = None
            self._search = Search()
            listening = asyncio.create_task(self._listen(socket))
            watching = asyncio.create_task(self._watch(socket))
            try:
                if ready.resumed:
                    await self._look()
                self._become("up")
                self._port.opened(self)
                log.info("node up", node=self.node.name, resumed=ready.resumed)
                await asyncio.wait({listening, watching}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(listening, watching)

    async def _adopt(self, ready: frames.Ready) -> bool:
        """Decide on the session we were given; False: ask once more for the old one."""
        if ready.resumed:
            return True
        if self.session_id and await self._old_may_come(ready):
            return False
        await self.client.set_resuming(ready.session_id, timeout=self._pace.resume)
        await self._port.keep(self.node.name, ready.session_id)
        self.session_id = ready.session_id
        for guild in tuple(self._port.seated(self.node.name)):
            self._port.tell(
                NodeAssigned(guild_id=guild, node=self.node.name, session_id=self.session_id)
            )
        return True

    async def _old_may_come(self, ready: frames.Ready) -> bool:
        """Ask REST about the old session: open = another holds it; 404 = free now, or gone."""
        if ready.session_id == self.session_id:
            return False
        is_open = await self.client.holds(self.session_id)
        self._search, verdict = sessions.judge(
            self._search, is_open=is_open, now=_now(), patience=self._pace.held
        )
        return verdict == "ask again"

    async def _look(self) -> None:
        """See what plays after a resume, once the replayed events have come in."""
        await asyncio.sleep(0.05)
        look = self._port.begin_look()
        await self._port.looked(self, await self.client.players(self.session_id), look)

    async def _listen(self, socket: Socket) -> None:
        while True:
            frame = await socket.receive()
            if frame is None:
                return
            self._heard = _now()
            match frame:
                case frames.PlayerUpdate():
                    self._position(frame)
                case frames.Event():
                    self._happened(frame)
                case frames.Stats():
                    self.stats = frame
                case _:
                    pass

    async def _watch(self, socket: Socket) -> None:
        """Ping, and look into silence; raises Unavailable when the node or the socket is dead."""
        pinged = _now()
        while True:
            await asyncio.sleep(min(0.25, self._interval / 4))
            if _now() - pinged >= self._pace.ping.total_seconds():
                pinged = _now()
                await socket.ping()
            if self._is_doubtful():
                await self._look_into(socket)
                self._updated = _now()

    async def _look_into(self, socket: Socket) -> None:
        """Ask for a sign of life over the socket and beside it.

        A node that answers beside a dead socket plays on: its session is resumed once it notices.
        """
        asked = _now()
        patience = self._interval * (self._pace.silence - self._pace.doubt)
        await socket.ping()
        try:
            await self.client.probe(within=timedelta(seconds=patience))
        except Unavailable as error:
            raise Silent("node", error.why) from error
        while self._heard < asked:
            if _now() - asked > patience:
                self._lost_at = _now()
                raise Unavailable("node", "its socket is silent")
            await asyncio.sleep(patience / 10)

    def _is_doubtful(self) -> bool:
        due = self._port.sounding(self.node.name)
        if due and self._silent_for(self._updated) > self._interval * self._pace.doubt:
            return True
        return self._silent_for(self._heard) > self._pace.ping.total_seconds() * self._pace.silence

    def _silent_for(self, since: float) -> float:
        return _now() - since

    def _position(self, update: frames.PlayerUpdate) -> None:
        now = _now()
        self._updated = now
        last = self._updates.get(update.guild_id)
        if last is not None:
            fastest = self._pace.fastest.total_seconds()
            self._interval = min(self._interval, max(now - last, fastest))
        self._updates[update.guild_id] = now
        self._port.tell(
            PositionReported(
                guild_id=int(update.guild_id),
                play_id="",
                position=update.state.position,
                connected=update.state.connected,
                at=self._port.now(),
                lead=self.node.lead,
            ),
            node=self.node.name,
            session_id=self.session_id,
        )

    def _happened(self, event: frames.Event) -> None:
        log.debug("node says", guild=event.guild_id, node=self.node.name, event_type=event.type)
        told = _translate(event, self.node.name, self.session_id, at=self._port.now())
        if told is not None:
            self._port.tell(told, node=self.node.name, session_id=self.session_id)


def _translate(event: frames.Event, node: str, session_id: str, *, at: int) -> Internal | None:
    """Say an event in the player's words; None for one that says nothing to it."""
    guild_id = int(event.guild_id)
    play_id = event.track.user_data.play_id if event.track else ""
    match event.type:
        case "TrackStartEvent":
            return TrackStarted(guild_id=guild_id, play_id=play_id)
        case "TrackEndEvent":
            return TrackEnded(guild_id=guild_id, play_id=play_id, reason=event.reason or "")
        case "TrackExceptionEvent":
            failure = event.exception or frames.Failure()
            message = failure.message or failure.cause or ""
            return TrackFailed(guild_id=guild_id, play_id=play_id, message=message)
        case "TrackStuckEvent":
            return TrackFailed(guild_id=guild_id, play_id=play_id, message="", stuck=True)
        case "WebSocketClosedEvent":
            return VoiceClosed(
                guild_id=guild_id,
                node=node,
                session_id=session_id,
                code=event.code,
                by_remote=event.by_remote,
                at=at,
            )
        case _:
            return None


@contextmanager
def _lost() -> Iterator[None]:
    """Take a session that the node no longer knows, or a word without sense, for a lost socket."""
    try:
        yield
    except (SessionUnknown, Refused, ValueError) as error:
        raise Unavailable("node", f"{type(error).__name__} {error}".rstrip()) from error


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel what still runs, and raise what failed; never instead of our own cancellation."""
    for task in tasks:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    if is_cancelled():
        return
    for outcome in found:
        if isinstance(outcome, Exception):
            raise outcome


def _now() -> float:
    return asyncio.get_running_loop().time()
