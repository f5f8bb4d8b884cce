"""The worker's settings."""

from datetime import timedelta
from typing import Annotated

from legato.settings import Port, RedisUrl, Snowflake, between
from legato.store.settings import StoreSettings

_Keep = Annotated[timedelta, between(timedelta(days=1), timedelta(days=3650))]


class Settings(StoreSettings, frozen=True, kw_only=True):
    """What the worker is told."""

    redis_url: RedisUrl
    """Where the bot's keys are that the clean-up looks through."""
    redis_ca_file: str = ""
    """The authority that signed Redis' certificate; with rediss:// only."""
    discord_application_id: Snowflake
    """The bot whose keys are cleaned up."""
    worker_port: Port = 3003
    """The port of /health, /ready, /metrics and /performance."""
    cleanup_every: Annotated[timedelta, between(timedelta(minutes=1), timedelta(days=7))] = (
        timedelta(hours=6)
    )
    """How often old rows and orphaned keys are removed; little gathers in between."""
    usage_every: Annotated[timedelta, between(timedelta(minutes=1), timedelta(days=7))] = timedelta(
        hours=1
    )
    """How often the daily figures are counted; today's and yesterday's, each time anew."""
    limits_every: Annotated[timedelta, between(timedelta(seconds=5), timedelta(days=1))] = (
        timedelta(minutes=1)
    )
    """How often rate limits set in PostgreSQL are copied to Redis: how late a penalty holds."""
    flags_every: Annotated[timedelta, between(timedelta(seconds=5), timedelta(days=1))] = timedelta(
        minutes=1
    )
    """How often feature flags set in PostgreSQL are copied to Redis: how late one holds."""
    keep_history: _Keep = timedelta(days=90)
    """How long single plays are kept; the daily figures stay."""
    keep_audit: _Keep = timedelta(days=365)
    """How long it is kept who changed what."""
    keep_players: _Keep = timedelta(days=30)
    """How long an empty player is kept: its row refuses what an older owner may still bring."""
