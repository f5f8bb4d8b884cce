"""What a bot's services are told: which nodes there are, who leaves, and at what pace. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from legato.contracts.fleet import Directive
from legato.contracts.partitions import DEFAULT_REGION
from legato_operator import directive, groups, nodesets
from legato_operator.desired import audio
from legato_operator.directive import Address, Fleet, Steering
from legato_operator.resources.musicbot import BotSpec, Region
from legato_operator.seen import Bot, Group, is_ready
from legato_operator.tiers import Tier


def uses(spec: BotSpec | None, group: Group, fleet: Fleet | None, *, before: bool = False) -> bool:
    """Say whether a bot plays on a group, or may still: its spec may say another thing by now.

    Before: whether it did at the look before, where its Redis does not answer, or its spec can't
    be read.
    """
    if spec and any(_serves(group, region) for region in spec.regions):
        return True
    return before if fleet is None else bool(nodesets.names_of(group, fleet.nodes))


def ready_nodes(seen: Bot) -> dict[str, int | None]:
    """Count the nodes that answer, by region; None where no LavalinkNode serves it."""
    counts: dict[str, int | None] = {}
    for region in seen.spec.regions:
        serving = [group for group in seen.groups if _serves(group, region)]
        ready = sum(is_ready(pod) for group in serving for pod in group.pods)
        counts[region.name] = ready if serving else None
    return counts


def document(
    seen: Bot, listed: Sequence[Tier], now: datetime, *, closing: bool = False
) -> Directive | None:
    """Say to the services what is wanted; nothing while their Redis is away."""
    if seen.fleet is None:
        return None
    weights = {name: share for tier in listed for name, share in tier.step.weights.items()}
    steering = Steering(
        weights=weights,
        handovers={_roll(tier): tier.step.handovers for tier in listed},
        voice_regions=voice_regions(seen.spec),
        closing=closing,
    )
    return directive.compose(seen.fleet, list(_addresses(seen, now)), steering)


def voice_regions(spec: BotSpec) -> Mapping[str, str]:
    """Say of each of Discord's voice regions which region's nodes play there."""
    return {voice: region.name for region in spec.regions for voice in region.voice_regions}


def _addresses(seen: Bot, now: datetime) -> Iterator[Address]:
    """List the nodes, each in the bot's own region that it serves."""
    for group in seen.groups:
        served = [region.name for region in seen.spec.regions if _serves(group, region)]
        listed = groups.addresses(group, sharing=max(1, len(group.fleets)), now=now)
        if served:
            named = group.spec.region if group.spec.region in served else served[0]
            yield from (replace(one, region=named) for one in listed)
        else:
            yield from _left_behind(seen, group, listed)
        yield from _unseen(seen, group)


def _left_behind(seen: Bot, group: Group, listed: Sequence[Address]) -> Iterator[Address]:
    """Empty the nodes of a group that serves the bot no longer, and keep them until they are."""
    assert seen.fleet is not None
    within = timedelta(seconds=group.spec.drain.deadline_seconds)
    for one in listed:
        if one.name in seen.fleet.nodes and not seen.fleet.has_left(one.name):
            yield replace(one, cordoned=True, drain_within=within, still=False)


def _unseen(seen: Bot, group: Group) -> Iterator[Address]:
    """Keep the nodes whose pods no list shows, and let nobody new come to one not on the line."""
    assert seen.fleet is not None
    pods = {pod["metadata"]["name"] for pod in group.pods}
    for name in nodesets.names_of(group, seen.fleet.nodes) - pods:
        told = seen.fleet.told(name)
        reached = seen.fleet.reaches(name)
        if told is not None and (reached or nodesets.expects(group, name)):
            yield Address(
                told.name,
                told.url,
                told.region,
                told.password,
                told.revision,
                cordoned=True,
                session_quota=told.session_quota,
                still=reached or told.cordoned,
            )


def _serves(group: Group, region: Region) -> bool:
    """Say whether a group is a region's: by its selector, else by its name."""
    selector = region.lavalink_nodes
    if not selector.match_labels and not selector.match_expressions:
        return group.spec.region == region.name
    return selector.matches(dict(group.labels))


def _roll(tier: Tier) -> str:
    """Name the roll of a tier's members as they do themselves."""
    own = tier.component == audio.COMPONENT and tier.region != DEFAULT_REGION
    return f"{tier.component}:{tier.region}" if own else tier.component
