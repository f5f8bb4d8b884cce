"""Clients' sessions and how they are resumed, as in Lavalink. Pure: no socket, no clock.

A session can be resumed only after its socket has closed; until then the same id opens a new one.
While it waits, events are kept in order (player updates are not), and for REST it does not exist.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_KEPT = 10_000
"""Messages kept for one waiting session; the oldest go first. Lavalink keeps all."""


@dataclass(slots=True)
class Session:
    """One client's session."""

    id: str
    user_id: str
    socket: int | None
    timeout: float
    resuming: bool = False
    expires_at: float | None = None
    kept: deque[bytes] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))

    @property
    def open(self) -> bool:
        """Whether a client is connected."""
        return self.socket is not None


@dataclass(frozen=True, slots=True)
class Opened:
    """A socket's session, and what it missed."""

    session: Session
    resumed: bool
    missed: tuple[bytes, ...] = ()


class Sessions:
    """All sessions of a node."""

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._all: dict[str, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._all.values()))

    def open(self, socket: int, user_id: str, *, wanted: str | None, fresh: str) -> Opened:
        """Give a socket the session it wants, if that waits, else a new one named `fresh`."""
        waiting = self._all.get(wanted or "")
        if waiting is not None and not waiting.open and waiting.user_id == user_id:
            missed = tuple(waiting.kept)
            waiting.kept.clear()
            waiting.socket, waiting.expires_at = socket, None
            return Opened(waiting, resumed=True, missed=missed)
        session = Session(fresh, user_id, socket, self._timeout)
        self._all[fresh] = session
        return Opened(session, resumed=False)

    def visible(self, id: str) -> Session | None:  # noqa: A002 - the protocol's word
        """Find a session as REST sees it."""
        session = self._all.get(id)
        return session if session is not None and session.open else None

    def configure(self, session: Session, *, resuming: bool | None, timeout: float | None) -> None:
        """Change whether and how long a session waits."""
        session.resuming = session.resuming if resuming is None else resuming
        session.timeout = session.timeout if timeout is None else timeout

    def emit(self, session: Session, message: bytes, *, keep: bool) -> int | None:
        """Say which socket a message goes to; a waiting session keeps it if it may."""
        if session.socket is None and keep:
            session.kept.append(message)
        return session.socket

    def close(self, socket: int, *, now: float) -> Session | None:
        """Note a closed socket; gives the session if it ends with it."""
        for session in self._all.values():
            if session.socket == socket:
                return self._left(session, now)
        return None

    def expire(self, *, now: float) -> list[Session]:
        """Take away the sessions that waited too long."""
        over = [s for s in self._all.values() if s.expires_at is not None and s.expires_at <= now]
        for session in over:
            del self._all[session.id]
        return over

    def _left(self, session: Session, now: float) -> Session | None:
        session.socket = None
        if session.resuming:
            session.expires_at = now + session.timeout
            return None
        del self._all[session.id]
        return session
