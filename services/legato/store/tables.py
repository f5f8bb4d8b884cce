"""The tables, as rows; they never leave this package. The migrations make them.

Every id of Discord's is a BIGINT, every moment a timestamptz, but for the player's own clock:
that is in server ms, as in the contracts, so that it comes back to the ms.
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

Json = dict[str, object]
METADATA = SQLModel.metadata


def _id(*, key: bool = False, null: bool = False) -> Column[int]:
    # Ids come from Discord: never counted up by the database.
    return Column(BigInteger, primary_key=key, nullable=null, autoincrement=False)


def _count() -> Column[int]:
    return Column(BigInteger, nullable=False, server_default="0")


def _text(*, key: bool = False, null: bool = False) -> Column[str]:
    return Column(Text, primary_key=key, nullable=null)


def _moment(*, null: bool = False, now: bool = False) -> Column[datetime]:
    default = func.now() if now else None
    return Column(DateTime(timezone=True), nullable=null, server_default=default)


class GuildConfig(SQLModel, table=True):
    """What a guild's managers chose; its partition is the only writer."""

    __tablename__ = "guild_config"
    __table_args__ = (CheckConstraint("default_volume BETWEEN 0 AND 200", name="volume_range"),)

    bot_id: int = Field(sa_column=_id(key=True))
    guild_id: int = Field(sa_column=_id(key=True))
    dj_role_id: int | None = Field(default=None, sa_column=_id(null=True))
    default_volume: int = Field(
        default=100, sa_column=Column(SmallInteger, nullable=False, server_default="100")
    )
    epoch: int = Field(sa_column=_id())
    version: int = Field(sa_column=_id())
    created_at: datetime = Field(sa_column=_moment(now=True))
    updated_at: datetime = Field(sa_column=_moment(now=True))


class Queue(SQLModel, table=True):
    """One guild's player without the items of its queue."""

    __tablename__ = "queue"
    __table_args__ = (
        CheckConstraint("volume BETWEEN 0 AND 1000", name="volume_range"),
        CheckConstraint("position_ms >= 0", name="position_not_negative"),
        Index("queue_guild_created", "guild_id", "created_at"),
    )

    bot_id: int = Field(sa_column=_id(key=True))
    guild_id: int = Field(sa_column=_id(key=True))
    region: str = Field(sa_column=_text())
    epoch: int = Field(sa_column=_id())
    version: int = Field(sa_column=_id())
    voice_channel_id: int | None = Field(default=None, sa_column=_id(null=True))
    text_channel_id: int | None = Field(default=None, sa_column=_id(null=True))
    panel_message_id: int | None = Field(default=None, sa_column=_id(null=True))
    track: Json | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    play_id: str | None = Field(default=None, sa_column=_text(null=True))
    requester_id: int | None = Field(default=None, sa_column=_id(null=True))
    position_ms: int = Field(sa_column=_id())
    position_at_ms: int = Field(sa_column=_id())
    pause_reasons: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    volume: int = Field(sa_column=Column(SmallInteger, nullable=False))
    state: Json = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(sa_column=_moment(now=True))
    updated_at: datetime = Field(sa_column=_moment(now=True))


class QueueItem(SQLModel, table=True):
    """One place in a queue."""

    __tablename__ = "queue_item"
    __table_args__ = (
        ForeignKeyConstraint(
            ["bot_id", "guild_id"],
            ["queue.bot_id", "queue.guild_id"],
            name="queue_item_queue",
            ondelete="CASCADE",
        ),
        # Checked at the commit: a new order swaps ranks in one statement.
        UniqueConstraint(
            "bot_id",
            "guild_id",
            "rank",
            name="queue_item_rank",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("queue_item_guild_created", "guild_id", "created_at"),
    )

    bot_id: int = Field(sa_column=_id(key=True))
    guild_id: int = Field(sa_column=_id(key=True))
    item_id: str = Field(sa_column=_text(key=True))
    rank: int = Field(sa_column=_id())
    query: str = Field(sa_column=_text())
    track: Json | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    requester_id: int = Field(sa_column=_id())
    added_at_ms: int = Field(sa_column=_id())
    created_at: datetime = Field(sa_column=_moment(now=True))


class UserProfile(SQLModel, table=True):
    """What is kept of a person: how they like to be spoken to, and when they last came."""

    __tablename__ = "user_profile"

    bot_id: int = Field(sa_column=_id(key=True))
    user_id: int = Field(sa_column=_id(key=True))
    locale: str = Field(sa_column=_text())
    plays: int = Field(sa_column=_count())
    created_at: datetime = Field(sa_column=_moment(now=True))
    last_seen_at: datetime = Field(sa_column=_moment(now=True))


class AuditLog(SQLModel, table=True):
    """Who changed what."""

    __tablename__ = "audit_log"
    __table_args__ = (
        UniqueConstraint("bot_id", "event_id", name="audit_log_event"),
        Index("audit_log_guild_created", "guild_id", "created_at"),
        Index("audit_log_created", "created_at"),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    bot_id: int = Field(sa_column=_id())
    guild_id: int | None = Field(default=None, sa_column=_id(null=True))
    event_id: str = Field(sa_column=_text())
    actor_id: int | None = Field(default=None, sa_column=_id(null=True))
    action: str = Field(sa_column=_text())
    detail: Json = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(sa_column=_moment(now=True))


class RateLimit(SQLModel, table=True):
    """A policy (subject empty) or a penalty for one subject, which the limiter reads."""

    __tablename__ = "rate_limit"
    __table_args__ = (
        CheckConstraint("capacity >= 0", name="capacity_not_negative"),
        CheckConstraint("period_ms > 0", name="period_positive"),
        CheckConstraint("subject <> '' OR expires_at IS NULL", name="policies_stay"),
        Index("rate_limit_expires", "expires_at", postgresql_where="expires_at IS NOT NULL"),
    )

    bot_id: int = Field(sa_column=_id(key=True))
    policy: str = Field(sa_column=_text(key=True))
    subject: str = Field(sa_column=_text(key=True))
    capacity: int = Field(sa_column=_id())
    period_ms: int = Field(sa_column=_id())
    reason: str = Field(sa_column=_text())
    created_at: datetime = Field(sa_column=_moment(now=True))
    expires_at: datetime | None = Field(default=None, sa_column=_moment(null=True))


class FeatureFlag(SQLModel, table=True):
    """A switch: for a share of guilds, and for named ones."""

    __tablename__ = "feature_flag"
    __table_args__ = (CheckConstraint("percent BETWEEN 0 AND 100", name="percent_range"),)

    bot_id: int = Field(sa_column=_id(key=True))
    name: str = Field(sa_column=_text(key=True))
    percent: int = Field(sa_column=Column(SmallInteger, nullable=False))
    guild_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
    created_at: datetime = Field(sa_column=_moment(now=True))
    updated_at: datetime = Field(sa_column=_moment(now=True))


class PlaybackHistory(SQLModel, table=True):
    """One play that ended."""

    __tablename__ = "playback_history"
    __table_args__ = (
        UniqueConstraint("bot_id", "play_id", name="playback_history_play"),
        CheckConstraint("heard_ms >= 0", name="heard_not_negative"),
        Index("playback_history_guild_created", "guild_id", "created_at"),
        Index("playback_history_created", "created_at"),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    bot_id: int = Field(sa_column=_id())
    guild_id: int = Field(sa_column=_id())
    play_id: str = Field(sa_column=_text())
    requester_id: int | None = Field(default=None, sa_column=_id(null=True))
    title: str = Field(sa_column=_text())
    uri: str | None = Field(default=None, sa_column=_text(null=True))
    source_name: str = Field(sa_column=_text())
    length_ms: int = Field(sa_column=_id())
    heard_ms: int = Field(sa_column=_id())
    end_reason: str = Field(sa_column=_text())
    created_at: datetime = Field(sa_column=_moment(now=True))
    """When the play began."""


class ApiKey(SQLModel, table=True):
    """A key of the HTTP API; only a hash of its secret is kept."""

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("hash", name="api_key_hash"),
        CheckConstraint("requests_per_minute > 0", name="rate_positive"),
    )

    id: str = Field(sa_column=_text(key=True))
    bot_id: int = Field(sa_column=_id())
    name: str = Field(sa_column=_text())
    hash: str = Field(sa_column=_text())
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    guild_ids: list[int] | None = Field(default=None, sa_column=Column(ARRAY(BigInteger)))
    requests_per_minute: int = Field(sa_column=Column(SmallInteger, nullable=False))
    created_at: datetime = Field(sa_column=_moment(now=True))
    expires_at: datetime | None = Field(default=None, sa_column=_moment(null=True))
    revoked_at: datetime | None = Field(default=None, sa_column=_moment(null=True))
    last_used_at: datetime | None = Field(default=None, sa_column=_moment(null=True))


class DailyUsage(SQLModel, table=True):
    """One guild's figures of one day (UTC), counted from PlaybackHistory."""

    __tablename__ = "daily_usage"
    __table_args__ = (Index("daily_usage_guild_created", "guild_id", "created_at"),)

    bot_id: int = Field(sa_column=_id(key=True))
    day: date = Field(primary_key=True)
    guild_id: int = Field(sa_column=_id(key=True))
    plays: int = Field(sa_column=_count())
    failures: int = Field(sa_column=_count())
    requesters: int = Field(sa_column=_count())
    heard_ms: int = Field(sa_column=_count())
    created_at: datetime = Field(sa_column=_moment(now=True))
