"""The audio service's settings."""

from datetime import timedelta
from typing import Annotated

import msgspec

from legato import lease_settings
from legato.audio.rules import Rules
from legato.contracts.partitions import DEFAULT_COUNT, DEFAULT_REGION
from legato.lease_settings import LeaseRenew, LeaseTtl, ReadyAfter, Settle
from legato.settings import HttpUrl, Port, RedisUrl, Secret, Snowflake, between
from legato.store.settings import StoreSettings

_NODE_TIMEOUT = between(timedelta(seconds=10), timedelta(hours=1))


class Settings(StoreSettings, frozen=True, kw_only=True):
    """What the audio service is told."""

    redis_url: RedisUrl
    """Where leases, streams and live state are."""
    redis_ca_file: str = ""
    """The authority that signed Redis' certificate; with rediss:// only."""
    discord_application_id: Snowflake
    """The bot's application id: names its keys and streams."""
    discord_user_id: int | None = None
    """The bot's user id, where it isn't the application's (bots made before 2016)."""
    audio_port: Port = 3002
    """The port of /health, /ready, /metrics and /performance."""
    partitions: Annotated[int, msgspec.Meta(ge=1, le=4096)] = DEFAULT_COUNT
    """How many partitions the region has; stored at the very first start, then binding."""
    region: str = DEFAULT_REGION
    """The home region whose partitions this process serves."""
    lavalink_url: HttpUrl | None = None
    """A node to use while the directive names none: a service started by hand."""
    lavalink_password: Secret | None = None
    """That node's password."""
    catalogue_url: HttpUrl | None = None
    """A JSON list of music that autocomplete and searches by words look through."""
    search_prefix: str = ""
    """What makes words a search for the nodes, such as `ytsearch:`; empty = links only."""
    lease_ttl: LeaseTtl = lease_settings.TTL
    """How long a lease holds without renewal."""
    lease_renew: LeaseRenew = lease_settings.RENEW
    """How often it is renewed; a fifth of its time or less."""
    isolation: Annotated[timedelta, between(timedelta(seconds=1), timedelta(seconds=60))] = (
        timedelta(seconds=60)
    )
    """How long nodes are driven on while Redis is out of reach; then their sockets are closed."""
    member_ready_after: ReadyAfter = lease_settings.READY_AFTER
    """How long a new process lives before it is given partitions; 0 = no other process runs."""
    settle: Settle = lease_settings.SETTLE
    """After an outage of Redis nothing moves to another process for so long."""
    partition_moves: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    """How many partitions move at once."""
    node_resume_timeout: Annotated[timedelta, _NODE_TIMEOUT] = timedelta(seconds=300)
    """How long a node keeps our session when we are gone; never under 300 s in production."""
    save_every: Annotated[timedelta, between(timedelta(milliseconds=100), timedelta(minutes=1))] = (
        timedelta(seconds=1)
    )
    """How often changed players are written to PostgreSQL."""
    leave_after: Annotated[timedelta, between(timedelta(0), timedelta(days=7))] = timedelta(
        minutes=5
    )
    """How long the bot stays in a channel without people, or without music; 0 = for ever."""

    @property
    def call_timeout(self) -> timedelta:
        """Return the time-out of calls to outside: well under a lease's time (ownership.md, 2)."""
        return min(timedelta(seconds=4), self.lease_ttl * 0.4)

    @property
    def user_id(self) -> int:
        """Return the bot's user id."""
        return self.discord_user_id or self.discord_application_id

    @property
    def rules(self) -> Rules:
        """Return what players live by."""
        return Rules(leave_after=round(self.leave_after / timedelta(milliseconds=1)))
