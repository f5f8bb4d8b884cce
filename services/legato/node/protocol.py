"""Lavalink v4's JSON, field by field (lavalink.dev/api); knows no player and no socket."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

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


Share = Annotated[float, Meta(ge=0, le=1)]
Ratio = Annotated[float, Meta(gt=0, le=8)]
"""Lavalink sets no upper bound; one keeps a player from taking a whole core."""


class Karaoke(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Takes away what both channels have in common, but for a band (Hz)."""

    level: float = 1.0
    mono_level: float = 1.0
    filter_band: Annotated[float, Meta(ge=0, le=24_000)] = 220.0
    filter_width: Annotated[float, Meta(ge=0, le=24_000)] = 100.0


class Timescale(msgspec.Struct, frozen=True, kw_only=True):
    """Speed alone, pitch alone, and both at once."""

    speed: Ratio = 1.0
    pitch: Ratio = 1.0
    rate: Ratio = 1.0


class Tremolo(msgspec.Struct, frozen=True, kw_only=True):
    """Loudness that swings, so often a second and so deep."""

    frequency: Annotated[float, Meta(ge=0, le=20_000)] = 2.0
    depth: Share = 0.5


class Vibrato(msgspec.Struct, frozen=True, kw_only=True):
    """Pitch that swings."""

    frequency: Annotated[float, Meta(ge=0, le=14)] = 2.0
    depth: Share = 0.5


class Rotation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Sound that goes around the listener, so many times a second."""

    rotation_hz: Annotated[float, Meta(ge=-100, le=100)] = 0.0


class Distortion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """offset + scale * (sinOffset + sin(x * sinScale)) * the same of cos * the same of tan."""

    sin_offset: float = 0.0
    sin_scale: float = 1.0
    cos_offset: float = 0.0
    cos_scale: float = 1.0
    tan_offset: float = 0.0
    tan_scale: float = 1.0
    offset: float = 0.0
    scale: float = 1.0


class ChannelMix(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How much of each channel goes into each."""

    left_to_left: Share = 1.0
    left_to_right: Share = 0.0
    right_to_left: Share = 0.0
    right_to_right: Share = 1.0


class LowPass(msgspec.Struct, frozen=True, kw_only=True):
    """Each sample goes a part of the way, one over `smoothing`, to the sound."""

    smoothing: Annotated[float, Meta(ge=0)] = 20.0


class Filters(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Every filter of the protocol (lavalink.dev/api/rest#filters), with Lavalink's defaults."""

    volume: float | UnsetType = UNSET
    equalizer: tuple[Band, ...] | UnsetType = UNSET
    karaoke: Karaoke | UnsetType | None = UNSET
    timescale: Timescale | UnsetType | None = UNSET
    tremolo: Tremolo | UnsetType | None = UNSET
    vibrato: Vibrato | UnsetType | None = UNSET
    distortion: Distortion | UnsetType | None = UNSET
    rotation: Rotation | UnsetType | None = UNSET
    channel_mix: ChannelMix | UnsetType | None = UNSET
    low_pass: LowPass | UnsetType | None = UNSET
    plugin_filters: Json | UnsetType = UNSET


FILTERS = (
    "volume",
    "equalizer",
    "karaoke",
    "timescale",
    "tremolo",
    "vibrato",
    "distortion",
    "rotation",
    "channelMix",
    "lowPass",
)
"""Their names, as `/v4/info` tells them."""


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
