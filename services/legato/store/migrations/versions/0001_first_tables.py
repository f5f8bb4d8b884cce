"""The first tables."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE guild_config (
        bot_id bigint NOT NULL,
        guild_id bigint NOT NULL,
        dj_role_id bigint,
        default_volume smallint NOT NULL DEFAULT 100,
        epoch bigint NOT NULL,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (bot_id, guild_id),
        CONSTRAINT volume_range CHECK (default_volume BETWEEN 0 AND 200)
    )
    """,
    """
    CREATE TABLE queue (
        bot_id bigint NOT NULL,
        guild_id bigint NOT NULL,
        region text NOT NULL,
        epoch bigint NOT NULL,
        version bigint NOT NULL,
        voice_channel_id bigint,
        text_channel_id bigint,
        panel_message_id bigint,
        track jsonb,
        play_id text,
        requester_id bigint,
        position_ms bigint NOT NULL,
        position_at_ms bigint NOT NULL,
        pause_reasons text[] NOT NULL,
        volume smallint NOT NULL,
        state jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (bot_id, guild_id),
        CONSTRAINT volume_range CHECK (volume BETWEEN 0 AND 1000),
        CONSTRAINT position_not_negative CHECK (position_ms >= 0)
    )
    """,
    """
    CREATE TABLE queue_item (
        bot_id bigint NOT NULL,
        guild_id bigint NOT NULL,
        item_id text NOT NULL,
        rank bigint NOT NULL,
        query text NOT NULL,
        track jsonb,
        requester_id bigint NOT NULL,
        added_at_ms bigint NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (bot_id, guild_id, item_id),
        CONSTRAINT queue_item_queue FOREIGN KEY (bot_id, guild_id)
            REFERENCES queue (bot_id, guild_id) ON DELETE CASCADE,
        CONSTRAINT queue_item_rank UNIQUE (bot_id, guild_id, rank)
            DEFERRABLE INITIALLY DEFERRED
    )
    """,
    """
    CREATE TABLE user_profile (
        bot_id bigint NOT NULL,
        user_id bigint NOT NULL,
        locale text NOT NULL,
        plays bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_seen_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (bot_id, user_id)
    )
    """,
    """
    CREATE TABLE audit_log (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        bot_id bigint NOT NULL,
        guild_id bigint,
        event_id text NOT NULL,
        actor_id bigint,
        action text NOT NULL,
        detail jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT audit_log_event UNIQUE (bot_id, event_id)
    )
    """,
    """
    CREATE TABLE rate_limit (
        bot_id bigint NOT NULL,
        policy text NOT NULL,
        subject text NOT NULL,
        capacity bigint NOT NULL,
        period_ms bigint NOT NULL,
        reason text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        PRIMARY KEY (bot_id, policy, subject),
        CONSTRAINT capacity_not_negative CHECK (capacity >= 0),
        CONSTRAINT period_positive CHECK (period_ms > 0),
        CONSTRAINT policies_stay CHECK (subject <> '' OR expires_at IS NULL)
    )
    """,
    """
    CREATE TABLE feature_flag (
        bot_id bigint NOT NULL,
        name text NOT NULL,
        percent smallint NOT NULL,
        guild_ids bigint[] NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (bot_id, name),
        CONSTRAINT percent_range CHECK (percent BETWEEN 0 AND 100)
    )
    """,
    """
    CREATE TABLE playback_history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        bot_id bigint NOT NULL,
        guild_id bigint NOT NULL,
        play_id text NOT NULL,
        requester_id bigint,
        title text NOT NULL,
        uri text,
        source_name text NOT NULL,
        length_ms bigint NOT NULL,
        heard_ms bigint NOT NULL,
        end_reason text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT playback_history_play UNIQUE (bot_id, play_id),
        CONSTRAINT heard_not_negative CHECK (heard_ms >= 0)
    )
    """,
    """
    CREATE TABLE api_key (
        id text PRIMARY KEY,
        bot_id bigint NOT NULL,
        name text NOT NULL,
        hash text NOT NULL,
        scopes text[] NOT NULL,
        guild_ids bigint[],
        requests_per_minute smallint NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used_at timestamptz,
        CONSTRAINT api_key_hash UNIQUE (hash),
        CONSTRAINT rate_positive CHECK (requests_per_minute > 0)
    )
    """,
    """
    CREATE TABLE daily_usage (
        bot_id bigint NOT NULL,
        day date NOT NULL,
        guild_id bigint NOT NULL,
        plays bigint NOT NULL DEFAULT 0,
        failures bigint NOT NULL DEFAULT 0,
        requesters bigint NOT NULL DEFAULT 0,
        heard_ms bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (bot_id, day, guild_id)
    )
    """,
)

INDEXES = (
    "CREATE INDEX queue_guild_created ON queue (guild_id, created_at)",
    "CREATE INDEX queue_item_guild_created ON queue_item (guild_id, created_at)",
    "CREATE INDEX audit_log_guild_created ON audit_log (guild_id, created_at)",
    "CREATE INDEX audit_log_created ON audit_log (created_at)",
    "CREATE INDEX rate_limit_expires ON rate_limit (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE INDEX playback_history_guild_created ON playback_history (guild_id, created_at)",
    "CREATE INDEX playback_history_created ON playback_history (created_at)",
    "CREATE INDEX daily_usage_guild_created ON daily_usage (guild_id, created_at)",
)


def upgrade() -> None:
    """Make every table and its indexes."""
    for statement in (*TABLES, *INDEXES):
        op.execute(statement)


def downgrade() -> None:
    """Drop every table, the dependent one first."""
    for table in (
        "queue_item",
        "queue",
        "guild_config",
        "user_profile",
        "audit_log",
        "rate_limit",
        "feature_flag",
        "playback_history",
        "api_key",
        "daily_usage",
    ):
        op.execute(f"DROP TABLE {table}")
