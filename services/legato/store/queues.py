"""Players and their queues, written behind and read back when Redis has lost them."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import select, text
from sqlmodel import col

from legato.contracts.partitions import Partition
from legato.contracts.tracks import QueueItem, Track
from legato.store import tables
from legato.store.database import Database

# Taken before _SAVE, in one order: a statement that waits for another's row still sees the items
# of before, and would leave the other's behind.
_LOCK = text("""
SELECT pg_advisory_xact_lock(hashint8extended(guild_id, bot_id)) FROM (
  SELECT * FROM jsonb_to_recordset(CAST(:heads AS jsonb)) AS x(bot_id bigint, guild_id bigint)
  ORDER BY bot_id, guild_id) AS given
""")

# One statement for any number of players: a head is written only if its (epoch, version) is
# newer than the row's, and the items follow only those heads that were.
_SAVE = text("""
WITH given AS (
  SELECT * FROM jsonb_to_recordset(CAST(:heads AS jsonb)) AS x(
    bot_id bigint, guild_id bigint, region text, epoch bigint, version bigint,
    voice_channel_id bigint, text_channel_id bigint, panel_message_id bigint, track jsonb,
    play_id text, requester_id bigint, position_ms bigint, position_at_ms bigint,
    pause_reasons text[], volume smallint, state jsonb)
), head AS (
  INSERT INTO queue AS q (
    bot_id, guild_id, region, epoch, version, voice_channel_id, text_channel_id,
    panel_message_id, track, play_id, requester_id, position_ms, position_at_ms, pause_reasons,
    volume, state)
  SELECT * FROM given ORDER BY bot_id, guild_id
  ON CONFLICT (bot_id, guild_id) DO UPDATE SET
    region = excluded.region, epoch = excluded.epoch, version = excluded.version,
    voice_channel_id = excluded.voice_channel_id, text_channel_id = excluded.text_channel_id,
    panel_message_id = excluded.panel_message_id, track = excluded.track,
    play_id = excluded.play_id, requester_id = excluded.requester_id,
    position_ms = excluded.position_ms, position_at_ms = excluded.position_at_ms,
    pause_reasons = excluded.pause_reasons, volume = excluded.volume, state = excluded.state,
    updated_at = now()
  WHERE (q.epoch, q.version) < (excluded.epoch, excluded.version)
  RETURNING q.bot_id, q.guild_id
), item AS (
  SELECT x.* FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS x(
    bot_id bigint, guild_id bigint, item_id text, rank bigint, query text, track jsonb,
    requester_id bigint, added_at_ms bigint)
  JOIN head USING (bot_id, guild_id)
), gone AS (
  DELETE FROM queue_item AS i USING head
  WHERE i.bot_id = head.bot_id AND i.guild_id = head.guild_id AND NOT EXISTS (
    SELECT FROM item
    WHERE item.bot_id = i.bot_id AND item.guild_id = i.guild_id AND item.item_id = i.item_id)
), put AS (
  INSERT INTO queue_item AS i (
    bot_id, guild_id, item_id, rank, query, track, requester_id, added_at_ms)
  SELECT * FROM item
  ON CONFLICT (bot_id, guild_id, item_id) DO UPDATE SET
    rank = excluded.rank, query = excluded.query, track = excluded.track
  WHERE (i.rank, i.query, i.track) IS DISTINCT FROM
    (excluded.rank, excluded.query, excluded.track)
)
SELECT guild_id FROM head
""")

_OF_PARTITION = text("""
SELECT guild_id FROM queue
WHERE bot_id = :bot AND region = :region AND (guild_id >> 22) % :count = :index
""")


class StoredPlayer(msgspec.Struct, frozen=True, kw_only=True):
    """One guild's player as PostgreSQL keeps it: what is asked for in columns, the rest as JSON."""

    bot_id: int
    guild_id: int
    region: str
    """The home region."""
    epoch: int
    """Of the lease that the writer holds."""
    version: int
    """Grows with every change of the player; (epoch, version) only ever grow in a row."""
    voice_channel_id: int | None = None
    text_channel_id: int | None = None
    panel_message_id: int | None = None
    track: Track | None = None
    play_id: str | None = None
    requester_id: int | None = None
    position: int = 0
    """Milliseconds into the track, at `position_at`."""
    position_at: int = 0
    """Server ms."""
    pause_reasons: tuple[str, ...] = ()
    volume: int = 100
    items: tuple[QueueItem, ...] = ()
    """In the order of their ranks."""
    state: bytes = b"{}"
    """JSON that only the player understands; PostgreSQL may reorder its keys."""


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: int
    guild_id: int
    region: str
    epoch: int
    version: int
    voice_channel_id: int | None
    text_channel_id: int | None
    panel_message_id: int | None
    track: Track | None
    play_id: str | None
    requester_id: int | None
    position_ms: int
    position_at_ms: int
    pause_reasons: tuple[str, ...]
    volume: int
    state: msgspec.Raw


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: int
    guild_id: int
    item_id: str
    rank: int
    query: str
    track: Track | None
    requester_id: int
    added_at_ms: int


async def save(database: Database, players: Sequence[StoredPlayer]) -> set[int]:
    """Write players in two statements; returns the guilds written, older documents left out.

    One document per guild: the newest. A guild that is left is saved empty, so that its row still
    refuses an older owner; the clean-up removes it when it is long past.
    """
    heads = msgspec.json.encode([_head(player) for player in players]).decode()
    items = msgspec.json.encode(
        [_item(player, item) for player in players for item in player.items]
    ).decode()
    async with database.session() as session:
        await session.execute(_LOCK, {"heads": heads})
        return set(await session.scalars(_SAVE, {"heads": heads, "items": items}))


async def load(
    database: Database, bot_id: int, guild_ids: Collection[int]
) -> dict[int, StoredPlayer]:
    """Read players, in two statements however many; guilds without one are left out."""
    heads = select(tables.Queue).where(
        col(tables.Queue.bot_id) == bot_id, col(tables.Queue.guild_id).in_(guild_ids)
    )
    items = (
        select(tables.QueueItem)
        .where(
            col(tables.QueueItem.bot_id) == bot_id, col(tables.QueueItem.guild_id).in_(guild_ids)
        )
        .order_by(col(tables.QueueItem.guild_id), col(tables.QueueItem.rank))
    )
    async with database.session() as session:
        rows = list(await session.scalars(heads))
        queued: dict[int, list[QueueItem]] = {row.guild_id: [] for row in rows}
        for item in await session.scalars(items):
            if item.guild_id in queued:
                queued[item.guild_id].append(_from_item(item))
    return {row.guild_id: _from_head(row, queued[row.guild_id]) for row in rows}


async def of_partition(database: Database, partition: Partition, *, count: int) -> list[int]:
    """Return the guilds of one partition that have a player; `count` partitions in all."""
    async with database.session() as session:
        found = await session.scalars(
            _OF_PARTITION,
            {
                "bot": partition.bot,
                "region": partition.region,
                "count": count,
                "index": partition.index,
            },
        )
        return list(found)


def _head(player: StoredPlayer) -> _Head:
    return _Head(
        bot_id=player.bot_id,
        guild_id=player.guild_id,
        region=player.region,
        epoch=player.epoch,
        version=player.version,
        voice_channel_id=player.voice_channel_id,
        text_channel_id=player.text_channel_id,
        panel_message_id=player.panel_message_id,
        track=player.track,
        play_id=player.play_id,
        requester_id=player.requester_id,
        position_ms=max(player.position, 0),
        position_at_ms=player.position_at,
        pause_reasons=player.pause_reasons,
        volume=player.volume,
        state=msgspec.Raw(player.state),
    )


def _item(player: StoredPlayer, item: QueueItem) -> _Item:
    return _Item(
        bot_id=player.bot_id,
        guild_id=player.guild_id,
        item_id=item.id,
        rank=item.rank,
        query=item.query,
        track=item.track,
        requester_id=item.requester_id,
        added_at_ms=item.added_at,
    )


def _from_head(row: tables.Queue, items: list[QueueItem]) -> StoredPlayer:
    return StoredPlayer(
        bot_id=row.bot_id,
        guild_id=row.guild_id,
        region=row.region,
        epoch=row.epoch,
        version=row.version,
        voice_channel_id=row.voice_channel_id,
        text_channel_id=row.text_channel_id,
        panel_message_id=row.panel_message_id,
        track=_track(row.track),
        play_id=row.play_id,
        requester_id=row.requester_id,
        position=row.position_ms,
        position_at=row.position_at_ms,
        pause_reasons=tuple(row.pause_reasons),
        volume=row.volume,
        items=tuple(items),
        state=msgspec.json.encode(row.state),
    )


def _from_item(row: tables.QueueItem) -> QueueItem:
    return QueueItem(
        id=row.item_id,
        rank=row.rank,
        query=row.query,
        track=_track(row.track),
        requester_id=row.requester_id,
        added_at=row.added_at_ms,
    )


def _track(document: tables.Json | None) -> Track | None:
    return None if document is None else msgspec.convert(document, Track)
