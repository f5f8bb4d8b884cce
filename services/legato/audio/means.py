"""What all partitions of this process work with. Wiring: `app` fills it in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from legato import telemetry
from legato.audio.endpoint import Endpoints
from legato.audio.fleet import Fleet
from legato.audio.lavalink import Fence, NodeClient
from legato.audio.ledger import Ledger
from legato.audio.live import Live
from legato.audio.metrics import Metrics
from legato.audio.nodes import Pace
from legato.audio.resolving import Resolver
from legato.audio.rules import Rules
from legato.audio.spacing import Spacing
from legato.audio.writebehind import WriteBehind
from legato.bus import Bus
from legato.clock import ServerClock
from legato.contracts.fleet import Node
from legato.contracts.settings import GuildSettings
from legato.layout import Layout

MEETINGS_APART = timedelta(milliseconds=80)
"""Between two players' changes of node: a node makes one call's group keys after the other, some
40 ms each with those of its listeners, and who waits for them is silent."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every partition of this process works with."""

    ledger: Ledger
    bus: Bus
    clock: ServerClock
    metrics: Metrics
    tracing: telemetry.Tracing
    settings_of: Callable[[int], Awaitable[GuildSettings]]
    rules: Rules


@dataclass(frozen=True, slots=True)
class Tools:
    """What all tenures of this process share."""

    means: Means
    fleet: Fleet
    layout: Layout
    live: Live
    resolver: Resolver
    behind: WriteBehind
    endpoints: Endpoints
    client: Callable[[Node, Fence], NodeClient]
    playing: Callable[[], Mapping[str, int]]
    """Node -> players of this process there."""
    sessions: Callable[[], Mapping[str, int]]
    """Node -> sessions of this process there."""
    partitions: int
    region: str
    node_pace: Pace
    call_timeout: timedelta
    """Of a call to outside, which begins only with more than that left of the lease."""
    isolation: timedelta
    """How long nodes are driven on while Redis is out of reach."""
    room: asyncio.Semaphore
    """Bounds the moves of players of the whole process."""
    meetings: Spacing = field(default_factory=lambda: Spacing(MEETINGS_APART))
    """When players change nodes."""
