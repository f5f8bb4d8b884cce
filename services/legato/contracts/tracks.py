"""A track, and one place in a queue. Pure values."""

import msgspec


class Track(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a node told of a track; `encoded` is what it plays by."""

    encoded: str
    identifier: str = ""
    title: str
    author: str = ""
    uri: str | None = None
    artwork_url: str | None = None
    source_name: str = "http"
    isrc: str | None = None
    length: int = 0
    """Milliseconds; 0 for a stream, whose end nobody knows."""
    is_stream: bool = False
    is_seekable: bool = True


class QueueItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place in a queue: a track, or a slot that waits for its query to be resolved."""

    id: str
    """Unique in its guild for ever: the command's id, numbered where one command brings many."""
    rank: int
    """The order in the queue: ascending, gaps allowed, never equal."""
    query: str = ""
    track: Track | None = None
    """None while the query is being resolved."""
    requester_id: int
    added_at: int


class NowPlaying(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a guild hears, for panels, dashboards and the API."""

    guild_id: int
    revision: int
    """Grows with every change of the player; an older document never replaces a newer one."""
    as_of: int
    """The moment `position` holds for, server ms."""
    voice_channel_id: int | None = None
    track: Track | None = None
    play_id: str | None = None
    requester_id: int | None = None
    position: int = 0
    paused: bool = False
    pause_reasons: tuple[str, ...] = ()
    volume: int = 100
    queue_length: int = 0
    upcoming: tuple[str, ...] = ()
    """Titles of the next few tracks."""
