"""One voice session: who it is, its media key, and the numbered messages a resume replays.

Pure bookkeeping: no socket, no clock.
"""

import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from legato_simulator import rtp

REPLAYED = 512
"""How many numbered messages are kept for a resume."""
UNNUMBERED = frozenset({6, 8, 9})
"""Heartbeat answer, Hello and Resumed carry no `seq`."""


Wire = str | bytes
"""A message as it goes over the websocket: a text or a binary one."""


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


class Transition(Struct, frozen=True, kw_only=True):
    """The body of op 23 and op 31."""

    transition_id: int


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
    stage: bool = False
    """Stage channels are not encrypted end to end."""

    @property
    def call(self) -> tuple[int, int]:
        """Name the call: the guild and the channel."""
        return self.guild_id, self.channel_id


class Connection(Struct, frozen=True, kw_only=True):
    """One voice session as a test sees it."""

    guild_id: int
    user_id: int
    channel_id: int
    region: str
    ssrc: int
    mode: str
    speaking: int
    connected: bool
    """Whether a websocket is open; a session without one can be resumed."""


@dataclass(slots=True)
class VoiceSession:
    """One voice connection from its Identify on, through resumes."""

    grant: Grant
    ssrc: int
    token: str
    session_id: str
    max_dave_version: int = 0
    """The highest that the client named."""
    dave_version: int = 0
    """What it was told in op 4."""
    mode: str = ""
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    sealing: rtp.Crypt | None = None
    speaking: int = 0
    last_seq: int = -1
    acked: int = -1
    address: tuple[str, int] | None = None
    buffered: deque[tuple[int, Wire]] = field(default_factory=lambda: deque(maxlen=REPLAYED))

    def crypt(self) -> rtp.Crypt:
        """Give the transport's encryption; there is a mode by then."""
        if self.sealing is None:
            self.sealing = rtp.crypt(self.mode, self.key)
        return self.sealing

    def message(self, op: int, body: Any) -> Wire:
        """Encode a message: bytes as a binary one. Numbered ones are kept until acknowledged."""
        if op in UNNUMBERED:
            return msgspec.json.encode({"op": op, "d": body}).decode()
        self.last_seq += 1
        wire: Wire
        if isinstance(body, bytes):
            wire = (self.last_seq & 0xFFFF).to_bytes(2, "big") + bytes([op]) + body
        else:
            wire = msgspec.json.encode({"op": op, "d": body, "seq": self.last_seq}).decode()
        self.buffered.append((self.last_seq, wire))
        return wire

    def acknowledge(self, seq: int) -> None:
        """Forget what the client says it has."""
        self.acked = max(self.acked, seq)
        while self.buffered and self.buffered[0][0] <= self.acked:
            self.buffered.popleft()

    def missed(self, seq_ack: int) -> list[Wire]:
        """List the numbered messages after the one the client has."""
        return [wire for seq, wire in self.buffered if seq > seq_ack]
