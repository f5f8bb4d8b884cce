"""The directive to one bot's services, made anew only where something differs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from msgspec import UNSET

from legato.contracts.fleet import Directive, Node, Observed

FRESH = timedelta(seconds=30)
"""Members report every 3 s; a report older than this is a dead process's."""


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


@dataclass(frozen=True, slots=True)
class Fleet:
    """What stands in a bot's Redis."""

    directive: Directive | None
    observed: tuple[Observed, ...]
    at: int
    """Redis' clock, ms."""

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
        if said is None or not any(one.name == node and one.cordoned for one in said.nodes):
            return False
        audio = self._of("audio")
        return bool(audio) and all(one.directive_version >= said.version for one in audio)

    def players(self, node: str) -> int | None:
        """Count a bot's players on a node; None where no audio pod reports."""
        audio = self._of("audio")
        if not audio:
            return None
        return sum(one.players for member in audio for one in member.nodes if one.name == node)

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


def compose(
    fleet: Fleet,
    addresses: Sequence[Address],
    weights: Mapping[str, float],
    *,
    max_handovers: int,
    closing: bool = False,
) -> Directive:
    """Say what is wanted: the same directive again where nothing differs."""
    said = fleet.directive or Directive(version=0)
    begun = {node.name: node.drain_deadline for node in said.nodes if node.drain_deadline}
    wanted = Directive(
        version=said.version,
        nodes=tuple(_node(one, begun, fleet.at) for one in sorted(addresses, key=_by_name)),
        weights=dict(sorted(weights.items())),
        max_handovers=max_handovers,
        closing=closing or UNSET,
    )
    if wanted == said:
        return said
    return msgspec.structs.replace(wanted, version=said.version + 1)


def _node(one: Address, begun: Mapping[str, int], at: int) -> Node:
    deadline = 0
    if one.drain_within is not None:
        deadline = begun.get(one.name) or at + one.drain_within // timedelta(milliseconds=1)
    return Node(
        name=one.name,
        url=one.url,
        password=one.password,
        region=one.region,
        cordoned=one.cordoned,
        drain_deadline=deadline,
        session_quota=one.session_quota,
        revision=one.revision,
    )


def _by_name(one: Address) -> str:
    return one.name
