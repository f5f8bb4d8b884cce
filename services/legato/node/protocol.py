"""Lavalink v4's JSON, field by field (lavalink.dev/api); knows no player and no socket."""

import msgspec
from msgspec import UNSET, UnsetType

Json = dict[str, object]
"""A free JSON object that is passed on unread."""


class TrackInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known about a track without playing it; `length` and `position` in ms."""

    identifier: str
    is_seekable: bool
    author: str
    length: int
    is_stream: bool
    position: int
    title: str
    uri: str | None
    source_name: str
    artwork_url: str | None
    isrc: str | None


class Track(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A track as every answer and event carries it."""

    encoded: str
    info: TrackInfo
    plugin_info: Json = {}
    user_data: Json = {}


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """One band of the equalizer."""

    band: int
    gain: float = 1.0


class Filters(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Every filter of the protocol; those that the node does not apply are kept and given back."""

    volume: float | UnsetType = UNSET
    equalizer: tuple[Band, ...] | UnsetType = UNSET
    karaoke: Json | UnsetType | None = UNSET
    timescale: Json | UnsetType | None = UNSET
    tremolo: Json | UnsetType | None = UNSET
    vibrato: Json | UnsetType | None = UNSET
    distortion: Json | UnsetType | None = UNSET
    rotation: Json | UnsetType | None = UNSET
    channel_mix: Json | UnsetType | None = UNSET
    low_pass: Json | UnsetType | None = UNSET
    plugin_filters: Json | UnsetType = UNSET


APPLIED_FILTERS = ("volume", "equalizer")
"""The filters that change what is heard; `/v4/info` names these only."""


class VoiceState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What Discord gave a bot to join one voice server."""

    token: str = ""
    endpoint: str = ""
    session_id: str = ""
    channel_id: str | None = None


class PlayerState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a player is; `time` and `position` in ms, `ping` -1 without voice."""

    time: int
    position: int
    connected: bool
    ping: int


class Player(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A player as REST answers it."""

    guild_id: str
    track: Track | None
    volume: int
    paused: bool
    state: PlayerState
    voice: VoiceState
    filters: Filters


class TrackUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The `track` of a PATCH."""

    encoded: str | UnsetType | None = UNSET
    identifier: str | UnsetType = UNSET
    user_data: Json | UnsetType = UNSET


class PlayerUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of `PATCH /v4/sessions/{session}/players/{guild}`."""

    encoded_track: str | UnsetType | None = UNSET
    identifier: str | UnsetType = UNSET
    track: TrackUpdate | UnsetType = UNSET
    position: int | UnsetType = UNSET
    end_time: int | UnsetType | None = UNSET
    volume: int | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    filters: Filters | UnsetType = UNSET
    voice: VoiceState | UnsetType = UNSET


class SessionUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `PATCH /v4/sessions/{session}`; `timeout` in seconds."""

    resuming: bool | UnsetType = UNSET
    timeout: int | UnsetType = UNSET


class ExceptionInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why a track can't be played."""

    message: str | None
    severity: str
    cause: str
    cause_stack_trace: str = ""


class PlaylistInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A playlist's name."""

    name: str
    selected_track: int = -1


class Playlist(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A playlist's content."""

    info: PlaylistInfo
    plugin_info: Json = {}
    tracks: tuple[Track, ...] = ()


class LoadResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer of loadtracks."""

    load_type: str
    data: Track | Playlist | ExceptionInfo | Json


class LoadedTrack(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer of loadtracks as the node itself reads it."""

    load_type: str
    data: msgspec.Raw


def load_failure(message: str, severity: str, cause: str) -> LoadResult:
    """Answer that loading failed."""
    exception = ExceptionInfo(message=message, severity=severity, cause=cause)
    return LoadResult(load_type="error", data=exception)
