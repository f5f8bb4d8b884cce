"""What a node can be told at its start; knows nothing of where the values come from."""

import ipaddress
from datetime import timedelta
from typing import Annotated

import msgspec

from legato.settings import Common, Port, Secret, between

Duration = Annotated[timedelta, between(timedelta(milliseconds=50), timedelta(hours=1))]


WELL_KNOWN = "youshallnotpass"
"""Lavalink's default password: no secret at all."""


class MediaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the node's own processes are told, no secret among it; durations in seconds."""

    buffer_ms: int = 1000
    end_lead_ms: int = 160
    connect_timeout: float = 5.0
    read_timeout: float = 8.0
    load_timeout: float = 15.0
    load_bytes: int = 32 * 1024 * 1024
    playlist_entries: int = 200
    max_redirects: int = 5
    max_loads: int = 16
    keep_heads: bool = True
    allowed_private: tuple[str, ...] = ()
    user_agent: str = "Legato (https://github.com/legato-music/legato)"
    bitrate: int = 152_000
    encoding_quality: int = 4


class NodeSettings(Common, frozen=True, kw_only=True):
    """Every setting of one node."""

    port: Port = 2333
    """Port of `legato node` to listen on, Lavalink's by default; 0 takes a free one, which the
    "ready" line tells. `legato up` has NODE_PORT instead."""

    password: Secret = Secret(WELL_KNOWN)
    """What clients send as `Authorization`. Lavalink's default; refused where others reach it."""

    pacers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """Pacing processes. One paces some hundreds of players; never more than cores."""

    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    """Media processes. Two, so that one takes over at once what the other leaves behind."""

    worker_timeout: Duration = timedelta(seconds=1)
    """A media process that answers nothing for so long is replaced; its players play on."""

    player_update_interval: Duration = timedelta(seconds=1)
    """Between two `playerUpdate`s of a player. Lavalink's default is 5 s."""

    stats_interval: Duration = timedelta(seconds=60)
    """Between two `stats` messages; Lavalink's figure."""

    silent_socket_timeout: Duration = timedelta(seconds=15)
    """Without a byte from a client its socket is dropped, so that its session can be resumed."""

    resume_timeout: Duration = timedelta(seconds=60)
    """How long a dropped session waits unless its client says otherwise; Lavalink's default."""

    buffer_ms: Annotated[int, msgspec.Meta(ge=100, le=1000)] = 1000
    """Sound kept ready ahead of the wire: what a media process may be away without being heard."""

    end_lead_ms: Annotated[int, msgspec.Meta(ge=0, le=900)] = 160
    """How long before a track's last frame its end is told, so that the next track can follow
    without a gap: what a client takes to send it. 0 tells it when the last frame has gone out."""

    stuck_threshold: Duration = timedelta(seconds=10)
    """Without a frame for so long, `TrackStuckEvent` is sent; lavaplayer's default."""

    voice_timeout: Duration = timedelta(seconds=5)
    """How long the handshake with a voice server may take."""

    group_timeout: Duration = timedelta(seconds=21)
    """How long the group of an encrypted call may take to let us in. A new key package is offered
    after a seventh and three sevenths of it; then the voice connection ends with 4017."""

    connect_timeout: Duration = timedelta(seconds=5)
    """To resolve and connect to a file server."""

    read_timeout: Duration = timedelta(seconds=8)
    """How long a file server may be silent."""

    load_timeout: Duration = timedelta(seconds=15)
    """In all, until a link is loaded or a track gives its first frame."""

    load_bytes: Annotated[int, msgspec.Meta(ge=65536)] = 32 * 1024 * 1024
    """Most bytes read to load one link."""

    playlist_entries: Annotated[int, msgspec.Meta(ge=1, le=500)] = 200
    """Most links taken from one playlist."""

    max_redirects: Annotated[int, msgspec.Meta(ge=0, le=20)] = 5
    """Redirects followed; each is checked like the first address."""

    max_players: Annotated[int, msgspec.Meta(ge=1)] = 1000
    """Players in all sessions; more are refused."""

    max_loads: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    """Links loaded at the same time by one media process."""

    heads_bytes: Annotated[int, msgspec.Meta(ge=0)] = 16 * 1024 * 1024
    """Beginnings of loaded files kept in memory, 128 KiB of each for an hour, so that a track whose
    server is far away begins at once. 0 keeps none."""

    allowed_private: tuple[str, ...] = ()
    """Exact `host:port` pairs that may be read although their address is private."""

    user_agent: str = "Legato (https://github.com/legato-music/legato)"
    """What file servers see."""

    bitrate: Annotated[int, msgspec.Meta(ge=16_000, le=510_000)] = 152_000
    """Bits a second of sound that the node encodes itself; what libopus aims at: music takes some
    more."""

    encoding_quality: Annotated[int, msgspec.Meta(ge=0, le=10)] = 4
    """libopus' complexity. From 7 on it analyses the sound first, which takes a quarter more core
    time and gives music a seventh more bits; 4 with that many bits is as near to the source."""

    def __post_init__(self) -> None:
        """Refuse to let others in by a password that everybody knows."""
        if self.password.reveal() == WELL_KNOWN and not _is_loopback(self.listen):
            raise ValueError(
                "PASSWORD",
                "is Lavalink's default, and LISTEN lets other machines in",
                "Set PASSWORD, or PASSWORD_FILE, to a secret of your own, or LISTEN to 127.0.0.1",
            )

    def media(self) -> MediaSettings:
        """Give what the media processes need."""
        return MediaSettings(
            buffer_ms=self.buffer_ms,
            end_lead_ms=min(self.end_lead_ms, self.buffer_ms),
            connect_timeout=self.connect_timeout.total_seconds(),
            read_timeout=self.read_timeout.total_seconds(),
            load_timeout=self.load_timeout.total_seconds(),
            load_bytes=self.load_bytes,
            playlist_entries=self.playlist_entries,
            max_redirects=self.max_redirects,
            max_loads=self.max_loads,
            keep_heads=self.heads_bytes > 0,
            allowed_private=self.allowed_private,
            user_agent=self.user_agent,
            bitrate=self.bitrate,
            encoding_quality=self.encoding_quality,
        )


def _is_loopback(listen: str) -> bool:
    try:
        return ipaddress.ip_address(listen).is_loopback
    except ValueError:
        return listen == "localhost"
