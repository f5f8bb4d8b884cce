"""The gateway's settings."""

import pathlib
from datetime import timedelta
from typing import Annotated

import msgspec

from legato import lease_settings
from legato.contracts.partitions import DEFAULT_COUNT, DEFAULT_REGION
from legato.lease_settings import Isolation, LeaseRenew, LeaseTtl, ReadyAfter, Settle
from legato.settings import Common, HttpUrl, Port, RedisUrl, Secret, Snowflake, between

_AtLeastOne = msgspec.Meta(ge=1)


class Settings(Common, frozen=True, kw_only=True):
    """What the gateway is told."""

    redis_url: RedisUrl
    """Where leases, streams and live state are."""
    redis_ca_file: str = ""
    """The authority that signed Redis' certificate; with rediss:// only."""
    discord_token: Secret
    """The bot's token, from https://discord.com/developers/applications."""
    discord_application_id: Snowflake | None = None
    """The bot's application id; asked of Discord where it is left out."""
    discord_rest_url: HttpUrl | None = None
    """Discord's REST v10, such as a simulator's; the real one where it is left out."""
    gateway_port: Port = 3001
    """The port of /health, /ready, /metrics and /performance."""
    shards: Annotated[int, _AtLeastOne] | None = None
    """How many shards the bot has; asked of Discord at the very first start, then stored."""
    partitions: Annotated[int, msgspec.Meta(ge=1, le=4096)] = DEFAULT_COUNT
    """How many partitions a home region has; stored at the very first start, then binding."""
    region: str = DEFAULT_REGION
    """The home region of guilds that have no other."""
    command_guilds: tuple[int, ...] = ()
    """Guilds that get the commands of their own too: changes show there at once."""
    allowed_addresses: tuple[str, ...] = ()
    """Exact host:port pairs that links may lead to although they are private."""
    legato_data: pathlib.Path = pathlib.Path("/tmp/legato")  # noqa: S108  # a pod's own folder
    """This gateway's own folder, which outlives it; the crash-loop limit is kept in it."""
    identify_most: Annotated[int, _AtLeastOne] = 200
    """Identifies an hour from this folder, or two a shard; beyond, something crashes in a loop."""
    identify_reserve: Annotated[int, msgspec.Meta(ge=0)] = 50
    """Identifies a day, of Discord's 1000 or more, that Legato leaves unused."""
    lease_ttl: LeaseTtl = lease_settings.TTL
    """How long a lease holds without renewal."""
    lease_renew: LeaseRenew = lease_settings.RENEW
    """How often it is renewed; a fifth of its time or less."""
    isolation: Isolation = lease_settings.ISOLATION
    """How long a lost connection is resumed while Redis is out of reach; later it waits for it."""
    member_ready_after: ReadyAfter = lease_settings.READY_AFTER
    """How long a new gateway lives before it is given shards; 0 = no other gateway runs."""
    settle: Settle = lease_settings.SETTLE
    """After an outage of Redis nothing moves to another process for so long."""
    event_buffer: Annotated[int, msgspec.Meta(ge=100)] = 50_000
    """Events that may wait for Redis, about 60 MB; beyond, connections wait to be resumed."""
    command_buffer: Annotated[int, msgspec.Meta(ge=1)] = 2000
    """Commands that may be on their way to players; beyond, people are asked to try again."""
    defer_above: Annotated[int, _AtLeastOne] = 50
    """Interactions without a first answer, beyond which further ones are deferred at once."""
    refuse_above: Annotated[int, _AtLeastOne] = 200
    """Interactions without a first answer, beyond which people are asked to try again."""
    direct_answer: Annotated[
        timedelta, between(timedelta(milliseconds=100), timedelta(seconds=2.5))
    ] = timedelta(seconds=1.5)
    """An answer later than this is deferred first; Discord waits 3 s."""
    panel_every: Annotated[
        timedelta, between(timedelta(milliseconds=100), timedelta(minutes=1))
    ] = timedelta(seconds=2)
    """The least time between two changes of a guild's panel."""
