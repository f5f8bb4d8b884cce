"""Discord's voice gateway 8 as values: payloads, and what a close means. Pure; knows no socket.

discord.com/developers/docs/topics/voice-connections, .../topics/opcodes-and-status-codes#voice
"""

import struct
from dataclasses import dataclass
from typing import Literal

from legato.node.dave import wire
from legato.node.errors import MediaError
from legato.node.protocol import VoiceState

VERSION = 8
IDENTIFY, SELECT, READY, HEARTBEAT, DESCRIPTION, SPEAKING, ACK, RESUME, HELLO, RESUMED = range(10)
FATAL = frozenset(
    {4001, 4002, 4003, 4004, 4005, 4006, 4011, 4012, 4014, 4016, 4017, 4020, 4021, 4022}
)
"""Closes after which Discord wants no new connection with the same data."""

MICROPHONE = 1
KEY_LENGTH = 32
DISCOVERY = struct.Struct(">HHI64sH")
DISCOVERY_REQUEST, DISCOVERY_ANSWER, DISCOVERY_LENGTH = 1, 2, 70

Payload = dict[str, object]
After = Literal["resume", "end"]


@dataclass(frozen=True, slots=True)
class Seat:
    """Who joins what: one bot in one guild's voice."""

    guild: int
    user: str
    voice: VoiceState

    @property
    def user_id(self) -> int:
        """The bot's id, which its key package names."""
        return _snowflake(self.user)

    @property
    def channel_id(self) -> int:
        """The voice channel's id, which is the name of an encrypted call's group."""
        return _snowflake(self.voice.channel_id)

    @property
    def url(self) -> str:
        """Where the websocket is."""
        endpoint = self.voice.endpoint.removeprefix("wss://").rstrip("/")
        return f"wss://{endpoint}/?v={VERSION}"


def identify(seat: Seat) -> Payload:
    """Join anew."""
    data: Payload = {
        "server_id": str(seat.guild),
        "user_id": seat.user,
        "session_id": seat.voice.session_id,
        "token": seat.voice.token,
        "max_dave_protocol_version": wire.MAX_VERSION,
    }
    if seat.voice.channel_id is not None:
        data["channel_id"] = seat.voice.channel_id
    return {"op": IDENTIFY, "d": data}


def resume(seat: Seat, sequence: int) -> Payload:
    """Go on after a lost connection."""
    data: Payload = {
        "server_id": str(seat.guild),
        "session_id": seat.voice.session_id,
        "token": seat.voice.token,
        "seq_ack": sequence,
    }
    return {"op": RESUME, "d": data}


def select(address: str, port: int, mode: str) -> Payload:
    """Say where our packets come from and how they are encrypted."""
    data: Payload = {"address": address, "port": port, "mode": mode}
    return {"op": SELECT, "d": {"protocol": "udp", "data": data}}


def heartbeat(nonce: int, sequence: int) -> Payload:
    """Say that we live, and what we have seen."""
    return {"op": HEARTBEAT, "d": {"t": nonce, "seq_ack": sequence}}


def speaking(ssrc: int) -> Payload:
    """Say that sound comes; once suffices, and it must be before the first packet."""
    return {"op": SPEAKING, "d": {"speaking": MICROPHONE, "delay": 0, "ssrc": ssrc}}


def after(code: int) -> After:
    """Decide what follows a close."""
    return "end" if code in FATAL or code == 1000 else "resume"


def secret(description: Payload) -> bytes:
    """Read the key for packets; raises MediaError."""
    told = description.get("secret_key")
    key = [each for each in told if isinstance(each, int)] if isinstance(told, list) else []
    if len(key) != KEY_LENGTH or told != key or not all(0 <= each < 256 for each in key):
        raise MediaError("a session description without a key", "fault")
    return bytes(key)


def address(ready: Payload) -> tuple[str, int]:
    """Read where packets are sent to; raises MediaError."""
    host, port = ready.get("ip"), ready.get("port")
    if not isinstance(host, str) or not isinstance(port, int) or not 0 < port < 1 << 16:
        raise MediaError("a voice server without an address", "fault")
    return host, port


def discovery(ssrc: int) -> bytes:
    """Ask which address our packets come from."""
    return DISCOVERY.pack(DISCOVERY_REQUEST, DISCOVERY_LENGTH, ssrc, b"", 0)


def discovered(packet: bytes) -> tuple[str, int] | None:
    """Read the answer; None for any other packet."""
    if len(packet) != DISCOVERY.size:
        return None
    kind, length, _, address, port = DISCOVERY.unpack(packet)
    if (kind, length) != (DISCOVERY_ANSWER, DISCOVERY_LENGTH):
        return None
    return address.rstrip(b"\0").decode("ascii", "replace"), port


def _snowflake(text: str | None) -> int:
    """Read an id; 0 for what is none, and no encrypted call is then joined."""
    if text is None or not text.isdecimal() or not text.isascii():
        return 0
    return int(text) if int(text) < 1 << 64 else 0
