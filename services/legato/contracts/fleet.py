"""The directive (what is wanted of a bot's services) and what they observe. Pure values."""

import msgspec


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One server speaking Lavalink's v4 protocol."""

    name: str
    url: str
    """http(s)://host:port"""
    password: str
    region: str = "default"
    cordoned: bool = False
    """New players go elsewhere."""
    drain_deadline: int = 0
    """Server ms; when not 0 its players are moved off, and from then on the node may go."""
    session_quota: int = 64
    """At most this many Lavalink sessions of this bot there: measured, 64 are free, 256 stall."""
    lead: int = 0
    """How far its reported positions run ahead of the sound, ms: Lavalink's bufferDurationMs."""
    revision: str = ""


class Directive(msgspec.Struct, frozen=True, kw_only=True, tag="fleet.directive.v1"):
    """What the operator, or the supervisor on one machine, wants; one writer, versions grow."""

    version: int
    nodes: tuple[Node, ...] = ()
    weights: dict[str, float] = {}
    """Member -> share; 0 = leaving; absent = 1."""
    max_handovers: int = 2
    """Of one service's things, given by one member to another at the same time; 0 = none move."""
    closing: bool | msgspec.UnsetType = msgspec.UNSET
    """True: the bot is deleted, and leaves every channel; what waits in its queues is kept."""
    handovers: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    """Roll (`gateway`, `audio:europe`) -> as max_handovers, where that is not meant for it."""
    voice_regions: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    """Discord's voice region -> the region whose nodes play there; absent = the guild's own."""

    def weight(self, member: str) -> float:
        """Say a member's share."""
        return max(0.0, self.weights.get(member, 1.0))

    def most_handovers(self, roll: str) -> int:
        """Say how many things the members of one roll may hand over at the same time."""
        said = {} if self.handovers is msgspec.UNSET else self.handovers
        return said.get(roll, self.max_handovers)

    @property
    def regions(self) -> dict[str, str]:
        """Say of each of Discord's voice regions in which region nodes play there."""
        return {} if self.voice_regions is msgspec.UNSET else self.voice_regions


class ObservedNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one member knows of one node."""

    name: str
    players: int = 0
    """Players of ours, by our records."""
    playing: int = 0
    listeners: int = 0
    connected: bool = False
    frame_deficit: int = 0
    """Frames a minute not sent in time, over this member's sessions."""


class Observed(msgspec.Struct, frozen=True, kw_only=True, tag="fleet.observed.v1"):
    """What one member of a bot's services reports, every few seconds."""

    member: str
    component: str
    at: int
    """Server ms."""
    directive_version: int = 0
    nodes: tuple[ObservedNode, ...] = ()
    partitions: tuple[str, ...] = ()
    """Those whose players are counted in `nodes`."""
    shards: tuple[str, ...] = ()
    connected: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """Those of the shards that have a live session with Discord; unset by older gateways."""

    @property
    def field(self) -> str:
        """Where it stands among those of all members: one process may be a member of several."""
        return f"{self.component}:{self.member}"
