"""The directive to one bot's services, made anew only where something differs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from msgspec import UNSET

from legato.contracts.fleet import Directive, Node, Observed
from legato.contracts.partitions import DEFAULT_COUNT

DEFAULT_HANDOVERS = 2
FRESH = timedelta(seconds=30)
"""Members report every 3 s; a report older than this is a dead process's."""
JUST_NOW = timedelta(seconds=10)
"""What is reported is still so."""
LAST_MOVES = timedelta(seconds=30)
"""How long past a drain's deadline moves that have begun may take."""


@dataclass(frozen=True, slots=True)
class Address:
    """One node as a bot is told of it."""

    name: str
    url: str
    region: str
    password: str = field(repr=False)
    revision: str = ""
    cordoned: bool = False
    drain_within: timedelta | None = None
    """Its players are moved, at the latest after so long from the first time it is said."""
    session_quota: int = 64
    still: bool = False
    """Its group is paused: what was told of it stays."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What stands in a bot's Redis."""

    directive: Directive | None
    observed: tuple[Observed, ...]
    at: int
    """Redis' clock, ms."""
    home: str = ""
    """The region whose partitions hold the bot's players; empty = not known, and not asked for."""

    @property
    def fresh(self) -> tuple[Observed, ...]:
        """List the reports of members that live."""
        oldest = self.at - FRESH // timedelta(milliseconds=1)
        return tuple(one for one in self.observed if one.at >= oldest)

    @property
    def is_closing(self) -> bool:
        """Say whether every audio pod has acted on a directive that ends the bot."""
        said, audio = self.directive, self._of("audio")
        if said is None or said.closing is not True:
            return False
        return all(one.directive_version >= said.version for one in audio)

    def settled(self, node: str) -> bool:
        """Say whether every audio pod has acted on a directive that cordons a node."""
        said = self.directive
        if said is None or not self.cordons(node):
            return False
        audio = self._of("audio")
        return bool(audio) and all(one.directive_version >= said.version for one in audio)

    def told(self, node: str) -> Node | None:
        """Say what the directive says of a node."""
        listed = self.directive.nodes if self.directive else ()
        return next((one for one in listed if one.name == node), None)

    def cordons(self, node: str) -> bool:
        """Say whether members are told that a node takes nobody new."""
        found = self.told(node)
        return found is not None and found.cordoned

    def overdue(self, node: str) -> bool:
        """Say whether the moment by which players were to leave a node is well past."""
        found = self.told(node)
        if found is None or not found.drain_deadline:
            return False
        return self.at >= found.drain_deadline + LAST_MOVES // timedelta(milliseconds=1)

    def password(self, node: str) -> str | None:
        """Say by which password members reach a node."""
        found = self.told(node)
        return found.password if found else None

    def players(self, node: str) -> int | None:
        """Count a bot's players on a node; None where no audio pod reports."""
        audio = self._of("audio")
        if not audio:
            return None
        return sum(one.players for member in audio for one in member.nodes if one.name == node)

    @property
    def counts_all(self) -> bool:
        """Say whether each partition has an owner that reports.

        Between two owners a partition's players play on, and nobody counts them.
        """
        counted = {name for one in self._of("audio") for name in one.partitions}
        ours = sum(_region(name) == self.home for name in counted)
        return not self.home or ours >= DEFAULT_COUNT

    @property
    def played(self) -> frozenset[str]:
        """Name the nodes where a living audio pod has players."""
        audio = self._of("audio")
        return frozenset(one.name for member in audio for one in member.nodes if one.players)

    @property
    def nodes(self) -> frozenset[str]:
        """Name the nodes that members are told of, or have players on."""
        told = self.directive.nodes if self.directive else ()
        return self.played | {one.name for one in told}

    def has_left(self, node: str) -> bool:
        """Say whether a node has no player of the bot's, and can't get one any more."""
        return self.settled(node) and self.counts_all and self.players(node) == 0

    def reaches(self, node: str) -> bool:
        """Say whether an audio pod has just reported a connection to a node."""
        oldest = self.at - JUST_NOW // timedelta(milliseconds=1)
        said = (each for one in self._of("audio") if one.at >= oldest for each in one.nodes)
        return any(each.connected for each in said if each.name == node)

    def shards(self) -> dict[str, int]:
        """Count the shards that each living gateway holds."""
        return {one.member: len(one.shards) for one in self._of("gateway")}

    def connected(self) -> int:
        """Count the shards with a live session; of gateways that don't say, those they hold."""
        return sum(
            len(one.shards if one.connected is UNSET else one.connected)
            for one in self._of("gateway")
        )

    def partitions(self, region: str) -> dict[str, int]:
        """Count a region's partitions that each living audio pod holds."""
        return {
            one.member: sum(_region(name) == region for name in one.partitions)
            for one in self._of("audio")
        }

    def all_players(self) -> int:
        """Count the bot's players on all nodes."""
        return sum(node.players for member in self._of("audio") for node in member.nodes)

    def players_in(self, region: str) -> int:
        """Count the players of a region, by the partitions of those who own them."""
        return sum(
            node.players
            for one in self._of("audio")
            if any(_region(name) == region for name in one.partitions)
            for node in one.nodes
        )

    def players_of(self, member: str) -> int:
        """Count the players that one audio pod owns."""
        return sum(
            node.players for one in self._of("audio") if one.member == member for node in one.nodes
        )

    def _of(self, component: str) -> tuple[Observed, ...]:
        return tuple(one for one in self.fresh if one.component == component)


def _region(partition: str) -> str:
    return partition.split(":")[1]


@dataclass(frozen=True, slots=True)
class Steering:
    """What members are told beside the nodes."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Member -> share, where it is not 1."""
    handovers: Mapping[str, int] = field(default_factory=dict)
    """Roll -> how many of its things may move at the same time."""
    voice_regions: Mapping[str, str] = field(default_factory=dict)
    """Discord's voice region -> the region of the nodes that play there."""
    closing: bool = False


def compose(fleet: Fleet, addresses: Sequence[Address], steering: Steering) -> Directive:
    """Say what is wanted: the same directive again where nothing differs."""
    said = fleet.directive or Directive(version=0)
    known = {node.name: node for node in said.nodes}
    # Who can't tell rolls apart, as the release before, takes the most careful one's pace.
    least = min(steering.handovers.values(), default=DEFAULT_HANDOVERS)
    differing = {roll: most for roll, most in steering.handovers.items() if most != least}
    wanted = Directive(
        version=said.version,
        nodes=tuple(
            _node(one, known.get(one.name), fleet.at) for one in sorted(addresses, key=_by_name)
        ),
        weights=dict(sorted(steering.weights.items())),
        max_handovers=least,
        closing=steering.closing or UNSET,
        handovers=dict(sorted(differing.items())) or UNSET,
        voice_regions=dict(sorted(steering.voice_regions.items())) or UNSET,
    )
    if wanted == said:
        return said
    return msgspec.structs.replace(wanted, version=said.version + 1)


def _node(one: Address, known: Node | None, at: int) -> Node:
    deadline = 0
    if one.drain_within is not None:
        begun = known.drain_deadline if known else 0
        deadline = begun or at + one.drain_within // timedelta(milliseconds=1)
    wanted = Node(
        name=one.name,
        url=one.url,
        password=one.password,
        region=one.region,
        cordoned=one.cordoned,
        drain_deadline=deadline,
        session_quota=one.session_quota,
        revision=one.revision,
    )
    return known if one.still and known is not None else wanted


def _by_name(one: Address) -> str:
    return one.name
