"""The sets of pods that roll and scale together: the gateway, and each region's audio. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from legato.contracts.partitions import DEFAULT_COUNT
from legato_operator import names, rollout, sharding, troubles
from legato_operator.desired import audio, gateway
from legato_operator.desired import frame as frames
from legato_operator.desired.frame import Frame, revision_of, sized
from legato_operator.desired.manifest import Manifest
from legato_operator.rollout import Holdings, Revision, Step
from legato_operator.scaling import Decision
from legato_operator.seen import Bot, component_of, is_ending, is_ready, labels_of
from legato_operator.sharding import Sharding
from legato_operator.verdicts import Verdict, first_no

HANDED = timedelta(seconds=10)
"""A shard that is handed over has its session again by then, as one has whose gateway died."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One of them, and its next step."""

    component: str
    region: str
    manifest: Manifest
    step: Step

    @property
    def name(self) -> str:
        """Say which, in words."""
        return f"{self.component} {self.region}".strip()

    @property
    def deployments(self) -> list[Manifest]:
        """Make the Deployment of the wanted revision, if its time has come."""
        count = self.step.replicas.get(revision_of(self.manifest))
        return [] if count is None else [sized(self.manifest, count)]


def of_gateway(
    seen: Bot, frame: Frame, layout: Sharding, gates: Sequence[Verdict], *, now: datetime
) -> Tier:
    """Take the gateway's next step."""
    wanted = gateway.deployment(frame)
    manifest = frames.kept(frame, wanted, seen.children, gateway.deployment)
    there = revisions(seen, gateway.COMPONENT, "")
    gates = [*gates, _answered(seen), _laid_out(layout), _budget(seen, layout)]
    if layout.is_resharding and not first_no(gates):
        step = rollout.emptied(there, layout.message)
        return Tier(gateway.COMPONENT, "", manifest, step)
    holdings = None
    if seen.fleet is not None:
        live = seen.fleet.connected()
        lacks = _lacks_long(seen, now)
        holdings = Holdings(seen.fleet.shards(), layout.shards or 0, live, lacks)
    goal = rollout.Goal(revision_of(manifest), layout.pods, seen.spec.gateway.max_handovers)
    step = rollout.step(goal, there, holdings, gates)
    return Tier(gateway.COMPONENT, "", manifest, step)


def of_audio(
    seen: Bot, frame: Frame, decisions: Mapping[str, Decision], gates: Sequence[Verdict]
) -> list[Tier]:
    """Take the next step of each region."""
    tiers = []
    for region in seen.spec.regions:
        wanted, make = audio.deployment(frame, region), audio.of_region(region.name)
        manifest = frames.kept(frame, wanted, seen.children, make)
        holdings = None
        if seen.fleet is not None:
            holdings = Holdings(seen.fleet.partitions(region.name), DEFAULT_COUNT)
        count = decisions[region.name].count
        goal = rollout.Goal(revision_of(manifest), count, region.audio.max_handovers)
        step = rollout.step(goal, revisions(seen, "audio", region.name), holdings, gates)
        tiers.append(Tier("audio", region.name, manifest, step))
    return tiers


def revisions(seen: Bot, component: str, region: str) -> list[Revision]:
    """Read the Deployments of a tier, each with its pods."""
    return [
        _revision(child, [pod for pod in seen.pods if _is_of(pod, child, component, region)])
        for child in seen.children
        if child["kind"] == "Deployment"
        and revision_of(child)
        and _of_tier(child, component, region)
    ]


def relaid(seen: Bot, layout: Sharding, tier: Tier) -> int | None:
    """Say the count of shards to be stored anew: once no gateway of the old count can run."""
    if not layout.is_resharding or seen.fleet is None or any(seen.fleet.shards().values()):
        return None
    begun = bool(tier.step.verdicts) and tier.step.verdicts[0].name == "OldPodsGone"
    pods = [pod for pod in seen.pods if component_of(pod) == gateway.COMPONENT]
    return layout.shards if begun and not pods else None


def _revision(child: Manifest, pods: Sequence[Manifest]) -> Revision:
    trouble = troubles.first(pods)
    return Revision(
        child["metadata"]["name"],
        revision_of(child),
        child["spec"].get("replicas", 1),
        tuple(rollout.Pod(pod["metadata"]["name"], is_ready(pod)) for pod in pods),
        str(trouble or ""),
    )


def _is_of(pod: Manifest, child: Manifest, component: str, region: str) -> bool:
    same = revision_of(pod) == revision_of(child)
    return same and not is_ending(pod) and _of_tier(pod, component, region)


def _of_tier(one: Manifest, component: str, region: str) -> bool:
    return component_of(one) == component and labels_of(one).get(names.REGION, "") == region


def _lacks_long(seen: Bot, now: datetime) -> bool:
    """Say whether not all shards have had a session for longer than a hand-over takes."""
    said = (one for one in seen.status.conditions if one.type == "ShardsConnected")
    return any(
        one.status == "False" and now - datetime.fromisoformat(one.last_transition_time) > HANDED
        for one in said
    )


def _answered(seen: Bot) -> Verdict:
    """Ask that Discord has said something of the token before a gateway begins with it."""
    ok = seen.token.verdict != "Unreachable"
    return Verdict("TokenValid", ok, "" if ok else seen.token.message)


def _laid_out(layout: Sharding) -> Verdict:
    ok = layout.reason != "ReshardNeeded"
    return Verdict("ReshardConfirmed", ok, "" if ok else layout.message)


def _budget(seen: Bot, layout: Sharding) -> Verdict:
    """Ask that, should every hand-over fail, the shards could still identify anew today."""
    why = sharding.shortfall(layout, seen.token.remaining) if layout.shards else ""
    return Verdict("IdentifyBudget", not why, why)
