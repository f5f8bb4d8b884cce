"""Gateway sessions: what each has sent, for how long it can be resumed. It knows no sockets."""

import secrets
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import msgspec

from legato_simulator.json_values import Json


class Link(Protocol):
    """The connection a session currently sends through."""

    def wake(self) -> None:
        """Say that there is something to send."""

    def end(self, code: int, reason: str) -> None:
        """Close the connection."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One dispatched event, encoded."""

    seq: int
    name: str
    payload: bytes


class Session:
    """One gateway session of one shard: sequence, replay ring and current connection."""

    def __init__(self, bot_id: int, shard: tuple[int, int], intents: int, *, keep: int) -> None:
        self.id = secrets.token_hex(16)
        self.voice_id = secrets.token_hex(16)
        self.bot_id = bot_id
        self.shard = shard
        self.intents = intents
        self.seq = 0
        self.link: Link | None = None
        self.left_at: float | None = None
        self._sent: deque[Sent] = deque(maxlen=keep)

    def append(self, name: str, data: Json | msgspec.Raw) -> None:
        """Give an event the next sequence number and hand it to the connection, if there is one."""
        self.seq += 1
        body = data if isinstance(data, msgspec.Raw) else msgspec.Raw(msgspec.json.encode(data))
        event = {"t": name, "s": self.seq, "op": 0, "d": body}
        self._sent.append(Sent(self.seq, name, msgspec.json.encode(event)))
        if self.link is not None:
            self.link.wake()

    def after(self, seq: int) -> Sent | None:
        """Find the event that follows a sequence number."""
        if seq >= self.seq or not self._sent:
            return None
        index = seq + 1 - self._sent[0].seq
        return self._sent[index] if index >= 0 else None

    def can_resume(self, seq: int) -> bool:
        """Say whether everything after a sequence number can still be replayed."""
        return seq == self.seq or (0 <= seq < self.seq and self.after(seq) is not None)


class Sessions:
    """All sessions that are connected or may yet be resumed."""

    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        """Keep a session."""
        self.by_id[session.id] = session

    def remove(self, session: Session) -> bool:
        """Forget a session; false when it was forgotten already."""
        return self.by_id.pop(session.id, None) is not None

    def of_bot(self, bot_id: int) -> list[Session]:
        """List a bot's sessions."""
        return [session for session in self.by_id.values() if session.bot_id == bot_id]

    def with_voice_id(self, voice_id: str) -> Session | None:
        """Find the session whose voice states carry this session id."""
        return next((each for each in self.by_id.values() if each.voice_id == voice_id), None)

    def expired(self, now: float, ttl: float) -> list[Session]:
        """List the sessions nobody resumed in time."""
        return [
            session
            for session in self.by_id.values()
            if session.link is None and session.left_at is not None and now - session.left_at > ttl
        ]
