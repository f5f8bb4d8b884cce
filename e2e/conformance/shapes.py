"""The JSON of Lavalink v4 as its documents give it; knows no server and no socket.

https://lavalink.dev/api/rest and https://lavalink.dev/api/websocket; a field the documents call
optional may be missing, one they call nullable may be null, all others must be there.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

Json = dict[str, object]


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Any documented object."""


class TrackInfo(Shape, frozen=True, kw_only=True, rename="camel"):
    """Info about the track."""

    identifier: str
    is_seekable: bool
    author: str
    length: int
    is_stream: bool
    position: int
    title: str
    uri: str | None
    artwork_url: str | None
    isrc: str | None
    source_name: str


class Track(Shape, frozen=True, kw_only=True, rename="camel"):
    """A track."""

    encoded: str
    info: TrackInfo
    plugin_info: Json
    user_data: Json


class PlaylistInfo(Shape, frozen=True, kw_only=True, rename="camel"):
    """A playlist's name."""

    name: str
    selected_track: int


class Playlist(Shape, frozen=True, kw_only=True, rename="camel"):
    """Playlist result data."""

    info: PlaylistInfo
    plugin_info: Json
    tracks: list[Track]


class ExceptionInfo(Shape, frozen=True, kw_only=True, rename="camel"):
    """An exception; `causeStackTrace` came with 4.1."""

    message: str | None
    severity: Literal["common", "suspicious", "fault"]
    cause: str
    cause_stack_trace: str | UnsetType = UNSET


class Nothing(Shape, frozen=True, kw_only=True, rename="camel"):
    """Empty result data."""


class TrackLoaded(Shape, frozen=True, kw_only=True, rename="camel"):
    """Load type `track`."""

    load_type: Literal["track"]
    data: Track


class PlaylistLoaded(Shape, frozen=True, kw_only=True, rename="camel"):
    """Load type `playlist`."""

    load_type: Literal["playlist"]
    data: Playlist


class SearchLoaded(Shape, frozen=True, kw_only=True, rename="camel"):
    """Load type `search`."""

    load_type: Literal["search"]
    data: list[Track]


class NothingLoaded(Shape, frozen=True, kw_only=True, rename="camel"):
    """Load type `empty`."""

    load_type: Literal["empty"]
    data: Nothing


class LoadFailed(Shape, frozen=True, kw_only=True, rename="camel"):
    """Load type `error`."""

    load_type: Literal["error"]
    data: ExceptionInfo


Loaded = TrackLoaded | PlaylistLoaded | SearchLoaded | NothingLoaded | LoadFailed

LOADED: dict[str, type[Loaded]] = {
    "track": TrackLoaded,
    "playlist": PlaylistLoaded,
    "search": SearchLoaded,
    "empty": NothingLoaded,
    "error": LoadFailed,
}


class PlayerState(Shape, frozen=True, kw_only=True, rename="camel"):
    """The state of a player."""

    time: int
    position: int
    connected: bool
    ping: int


class VoiceState(Shape, frozen=True, kw_only=True, rename="camel"):
    """The voice state of a player; `channelId` came with 4.2."""

    token: str
    endpoint: str
    session_id: str
    channel_id: str | UnsetType | None = UNSET


class Player(Shape, frozen=True, kw_only=True, rename="camel"):
    """A player."""

    guild_id: str
    track: Track | None
    volume: int
    paused: bool
    state: PlayerState
    voice: VoiceState
    filters: Json


class Session(Shape, frozen=True, kw_only=True, rename="camel"):
    """The answer of Update Session."""

    resuming: bool
    timeout: int


class Version(Shape, frozen=True, kw_only=True, rename="camel"):
    """Parsed Semantic Versioning 2.0.0."""

    semver: str
    major: int
    minor: int
    patch: int
    pre_release: str | None
    build: str | None


class Git(Shape, frozen=True, kw_only=True, rename="camel"):
    """The git information of the server."""

    branch: str
    commit: str
    commit_time: int


class Plugin(Shape, frozen=True, kw_only=True, rename="camel"):
    """An enabled plugin."""

    name: str
    version: str


class Info(Shape, frozen=True, kw_only=True, rename="camel"):
    """The answer of /v4/info."""

    version: Version
    build_time: int
    git: Git
    jvm: str
    lavaplayer: str
    source_managers: list[str]
    filters: list[str]
    plugins: list[Plugin]


class Memory(Shape, frozen=True, kw_only=True, rename="camel"):
    """Bytes."""

    free: int
    used: int
    allocated: int
    reservable: int


class Cpu(Shape, frozen=True, kw_only=True, rename="camel"):
    """Cores and loads."""

    cores: int
    system_load: float
    lavalink_load: float


class FrameStats(Shape, frozen=True, kw_only=True, rename="camel"):
    """Frames of the last minute."""

    sent: int
    nulled: int
    deficit: int


class Stats(Shape, frozen=True, kw_only=True, rename="camel"):
    """The answer of /v4/stats, where `frameStats` is missing or null."""

    players: int
    playing_players: int
    uptime: int
    memory: Memory
    cpu: Cpu
    frame_stats: UnsetType | None = UNSET


class Error(Shape, frozen=True, kw_only=True, rename="camel"):
    """An error response."""

    timestamp: int
    status: int
    error: str
    message: str
    path: str
    trace: str | UnsetType = UNSET


class IpBlock(Shape, frozen=True, kw_only=True, rename="camel"):
    """The ip block being used."""

    type: Literal["Inet4Address", "Inet6Address"]
    size: str


class FailingAddress(Shape, frozen=True, kw_only=True, rename="camel"):
    """A failing address."""

    failing_address: str
    failing_timestamp: int
    failing_time: str


class Details(Shape, frozen=True, kw_only=True, rename="camel"):
    """The status of a route planner; each of its kinds has some of the last five."""

    ip_block: IpBlock
    failing_addresses: list[FailingAddress]
    rotate_index: str | UnsetType = UNSET
    ip_index: str | UnsetType = UNSET
    current_address: str | UnsetType = UNSET
    current_address_index: str | UnsetType = UNSET
    block_index: str | UnsetType = UNSET


class RoutePlanner(Shape, frozen=True, kw_only=True, rename={"class_": "class"}):
    """The answer of /v4/routeplanner/status."""

    class_: (
        Literal[
            "RotatingIpRoutePlanner",
            "NanoIpRoutePlanner",
            "RotatingNanoIpRoutePlanner",
            "BalancingIpRoutePlanner",
        ]
        | None
    )
    details: Details | None


class Ready(Shape, frozen=True, kw_only=True, rename="camel"):
    """Ready op."""

    op: Literal["ready"]
    resumed: bool
    session_id: str


class PlayerUpdate(Shape, frozen=True, kw_only=True, rename="camel"):
    """Player Update op."""

    op: Literal["playerUpdate"]
    guild_id: str
    state: PlayerState


class StatsMessage(Shape, frozen=True, kw_only=True, rename="camel"):
    """Stats op."""

    op: Literal["stats"]
    players: int
    playing_players: int
    uptime: int
    memory: Memory
    cpu: Cpu
    frame_stats: FrameStats | None


class TrackStart(Shape, frozen=True, kw_only=True, rename="camel"):
    """TrackStartEvent."""

    op: Literal["event"]
    type: Literal["TrackStartEvent"]
    guild_id: str
    track: Track


class TrackEnd(Shape, frozen=True, kw_only=True, rename="camel"):
    """TrackEndEvent."""

    op: Literal["event"]
    type: Literal["TrackEndEvent"]
    guild_id: str
    track: Track
    reason: Literal["finished", "loadFailed", "stopped", "replaced", "cleanup"]


class TrackException(Shape, frozen=True, kw_only=True, rename="camel"):
    """TrackExceptionEvent."""

    op: Literal["event"]
    type: Literal["TrackExceptionEvent"]
    guild_id: str
    track: Track
    exception: ExceptionInfo


class TrackStuck(Shape, frozen=True, kw_only=True, rename="camel"):
    """TrackStuckEvent."""

    op: Literal["event"]
    type: Literal["TrackStuckEvent"]
    guild_id: str
    track: Track
    threshold_ms: int


class VoiceClosed(Shape, frozen=True, kw_only=True, rename="camel"):
    """WebSocketClosedEvent."""

    op: Literal["event"]
    type: Literal["WebSocketClosedEvent"]
    guild_id: str
    code: int
    reason: str
    by_remote: bool


Event = TrackStart | TrackEnd | TrackException | TrackStuck | VoiceClosed
Message = Ready | PlayerUpdate | StatsMessage | Event

MESSAGES: dict[tuple[str, str], type[Message]] = {
    ("ready", ""): Ready,
    ("playerUpdate", ""): PlayerUpdate,
    ("stats", ""): StatsMessage,
    ("event", "TrackStartEvent"): TrackStart,
    ("event", "TrackEndEvent"): TrackEnd,
    ("event", "TrackExceptionEvent"): TrackException,
    ("event", "TrackStuckEvent"): TrackStuck,
    ("event", "WebSocketClosedEvent"): VoiceClosed,
}


def undocumented(raw: object, shape: object, path: str) -> list[str]:
    """Name the fields of an answer that its shape does not have, as far as it describes them."""
    if isinstance(shape, msgspec.Struct) and isinstance(raw, dict):
        known = {field.encode_name: field.name for field in msgspec.structs.fields(shape)}
        found = [f"{path}.{key}" for key in raw if key not in known]
        for key, name in known.items():
            found += undocumented(raw.get(key), getattr(shape, name), f"{path}.{key}")
        return found
    if isinstance(shape, list) and isinstance(raw, list):
        pairs = zip(raw, shape, strict=True)
        return [name for one, its in pairs for name in undocumented(one, its, f"{path}[]")]
    return []
