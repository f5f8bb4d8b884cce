"""What an interaction may need on its way, and how people are treated on it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from legato import telemetry
from legato.clock import ServerClock
from legato.gateway import discord
from legato.gateway.guild_settings import SettingsCache
from legato.gateway.metrics import Metrics
from legato.gateway.panels import Panels
from legato.gateway.passage import Passage
from legato.gateway.producer import Producer
from legato.gateway.shard_state import ShardState
from legato.gateway.shard_store import OpenInteraction
from legato.gateway.shedding import Bounds
from legato.gateway.suggestions import Suggestions
from legato.limits import Limits, Policy
from legato.redis import Client

PER_USER = Policy("user", 8, timedelta(seconds=12))
PER_GUILD = Policy("guild", 40, timedelta(seconds=20))


@dataclass(frozen=True, slots=True)
class Manners:
    """How people are treated."""

    direct: timedelta = timedelta(seconds=1.5)
    """An answer later than this is deferred first; Discord waits 3 s."""
    per_user: Policy = PER_USER
    per_guild: Policy = PER_GUILD
    bounds: Bounds = field(default_factory=Bounds)
    allowed: tuple[str, ...] = ()
    """Exact `host:port` exceptions for links."""


class Home(Protocol):
    """The shard an interaction came by."""

    @property
    def state(self) -> ShardState:
        """Return what the shard knows of its guilds."""

    def note_open(self, interaction: OpenInteraction) -> None:
        """Leave word that it waits, for whoever owns the shard next."""

    def note_answered(self, interaction_id: int) -> None:
        """Take that word back."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Everything an interaction may need on its way."""

    bot: int
    redis: Client
    rest: discord.Rest
    producer: Producer
    passage: Passage
    settings: SettingsCache
    limits: Limits
    panels: Panels
    clock: ServerClock
    metrics: Metrics
    tracing: telemetry.Tracing
    suggestions: Suggestions
    manners: Manners
