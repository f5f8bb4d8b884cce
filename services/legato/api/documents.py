"""What the API answers with; ids are strings, since JavaScript's numbers end at 2^53. Pure."""

import msgspec

from legato.contracts.tracks import NowPlaying, QueueItem, Track
from legato.store.queues import StoredPlayer


class TrackDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One track."""

    title: str
    author: str
    uri: str | None
    artwork_url: str | None
    source_name: str
    length_ms: int | None
    """None for a stream."""


class PlayerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a guild hears."""

    guild_id: str
    live: bool
    """False = as last written down: the player is not running now, or can't be asked."""
    as_of: int
    """The moment `position_ms` holds for, ms since the epoch."""
    voice_channel_id: str | None
    track: TrackDocument | None
    requester_id: str | None
    position_ms: int
    paused: bool
    pause_reasons: tuple[str, ...]
    volume: int
    """Percent."""
    queue_length: int


class ItemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One place in a queue."""

    id: str
    place: int
    """From 1."""
    query: str
    track: TrackDocument | None
    """None while the query is being looked up."""
    requester_id: str
    added_at: int
    """Milliseconds since the epoch."""


class QueueDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a queue."""

    guild_id: str
    live: bool
    """False = as last written down."""
    total: int
    page: int
    """From 1."""
    pages: int
    items: tuple[ItemDocument, ...]


def live_player(now: NowPlaying) -> PlayerDocument:
    """Show a running player."""
    return PlayerDocument(
        guild_id=str(now.guild_id),
        live=True,
        as_of=now.as_of,
        voice_channel_id=_id(now.voice_channel_id),
        track=_track(now.track),
        requester_id=_id(now.requester_id),
        position_ms=now.position,
        paused=now.paused,
        pause_reasons=now.pause_reasons,
        volume=now.volume,
        queue_length=now.queue_length,
    )


def stored_player(stored: StoredPlayer) -> PlayerDocument:
    """Show a player as it was last written down."""
    return PlayerDocument(
        guild_id=str(stored.guild_id),
        live=False,
        as_of=stored.position_at,
        voice_channel_id=_id(stored.voice_channel_id),
        track=_track(stored.track),
        requester_id=_id(stored.requester_id),
        position_ms=stored.position,
        paused=bool(stored.pause_reasons),
        pause_reasons=stored.pause_reasons,
        volume=stored.volume,
        queue_length=len(stored.items),
    )


def queue(
    guild_id: int, items: tuple[QueueItem, ...], *, live: bool, page: int, size: int
) -> QueueDocument:
    """Show one page of a queue; a page past the end is empty."""
    start = (page - 1) * size
    return QueueDocument(
        guild_id=str(guild_id),
        live=live,
        total=len(items),
        page=page,
        pages=max(-(-len(items) // size), 1),
        items=tuple(
            _item(item, place) for place, item in enumerate(items[start : start + size], start + 1)
        ),
    )


def _item(item: QueueItem, place: int) -> ItemDocument:
    return ItemDocument(
        id=item.id,
        place=place,
        query=item.query,
        track=_track(item.track),
        requester_id=str(item.requester_id),
        added_at=item.added_at,
    )


def _track(track: Track | None) -> TrackDocument | None:
    if track is None:
        return None
    return TrackDocument(
        title=track.title,
        author=track.author,
        uri=track.uri,
        artwork_url=track.artwork_url,
        source_name=track.source_name,
        length_ms=None if track.is_stream else track.length,
    )


def _id(number: int | None) -> str | None:
    return None if number is None else str(number)
