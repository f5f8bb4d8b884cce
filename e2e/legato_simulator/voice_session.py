"""One voice session: who it is, its media key, and the numbered messages a resume replays.

Pure bookkeeping: no socket, no clock.
"""

import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

REPLAYED = 512
"""How many numbered messages are kept for a resume."""
UNNUMBERED = frozenset({6, 8, 9})
"""Heartbeat answer, Hello and Resumed carry no `seq`."""


class Identify(Struct, frozen=True, kw_only=True):
    """Op 0's body."""

    server_id: str
    user_id: str
    session_id: str
    token: str
    channel_id: str | None = None
    max_dave_protocol_version: int = 0


class Resume(Struct, frozen=True, kw_only=True):
    """Op 7's body."""

    server_id: str
    session_id: str
    token: str
    seq_ack: int = -1


class Address(Struct, frozen=True, kw_only=True):
    """Where the client says its UDP packets come from, and the mode it chose."""

    address: str
    port: int
    mode: str


class SelectProtocol(Struct, frozen=True, kw_only=True):
    """Op 1's body."""

    protocol: str
    data: Address


@dataclass(slots=True)
class Grant:
    """A right to connect that the gateway handed out: one per guild and bot."""

    guild_id: int
    channel_id: int
    user_id: int
    session_id: str
    token: str
    region: str


@dataclass(slots=True)
class VoiceSession:
    """One voice connection from its Identify on, through resumes."""

    grant: Grant
    ssrc: int
    token: str
    session_id: str
    dave_version: int = 0
    mode: str = ""
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    speaking: int = 0
    last_seq: int = -1
    acked: int = -1
    address: tuple[str, int] | None = None
    buffered: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=REPLAYED))

    def message(self, op: int, body: Any) -> bytes:
        """Encode a message; numbered ones are kept until acknowledged."""
        if op in UNNUMBERED:
            return msgspec.json.encode({"op": op, "d": body})
        self.last_seq += 1
        text = msgspec.json.encode({"op": op, "d": body, "seq": self.last_seq})
        self.buffered.append((self.last_seq, text))
        return text

    def acknowledge(self, seq: int) -> None:
        """Forget what the client says it has."""
        self.acked = max(self.acked, seq)
        while self.buffered and self.buffered[0][0] <= self.acked:
            self.buffered.popleft()

    def missed(self, seq_ack: int) -> list[bytes]:
        """List the numbered messages after the one the client has."""
        return [text for seq, text in self.buffered if seq > seq_ack]
