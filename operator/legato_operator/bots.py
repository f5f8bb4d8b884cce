"""One look at a MusicBot: from what is seen to what is done. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from legato.contracts.fleet import Directive
from legato.contracts.partitions import DEFAULT_COUNT
from legato_operator import changes, directive, groups, names, rollout, scaling, sharding
from legato_operator.botstatus import Facts, status
from legato_operator.changes import Action, Patch, Plan
from legato_operator.desired import audio, bot, gateway, worker
from legato_operator.desired.frame import Frame, revision_of, sized
from legato_operator.desired.manifest import Manifest, Ref, ref
from legato_operator.desired.pods import secret_refs
from legato_operator.resources.musicbot import BotSpec, Region
from legato_operator.resources.shared import SecretRef
from legato_operator.rollout import Holdings, Revision, Step
from legato_operator.scaling import Decision, Past
from legato_operator.seen import (
    NOT_ASKED,
    Bot,
    Group,
    World,
    component_of,
    is_ready,
    labels_of,
)
from legato_operator.verdicts import Verdict

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
GONE = "what replaced it holds everything"


@dataclass(frozen=True, slots=True)
class Tier:
    """One set of pods that roll and scale together: the gateway, or a region's audio."""

    component: str
    region: str
    manifest: Manifest
    step: Step

    @property
    def deployments(self) -> list[Manifest]:
        """Make the Deployment of the wanted revision, if its time has come."""
        count = self.step.replicas.get(revision_of(self.manifest))
        return [] if count is None else [sized(self.manifest, count)]


def reconcile(seen: Bot, world: World, *, now: datetime) -> Plan:
    """Bring a bot to what its spec asks for."""
    version = version_of(seen, world)
    frame = Frame(seen.owner, seen.spec, version, seen.secrets)
    missing = missing_secrets(seen)
    migrated = _migrated(seen, worker.migration(frame))
    layout = sharding.plan(seen.spec.gateway, seen.stored_shards)
    decisions = {one.name: _decide(seen, one, now) for one in seen.spec.regions}
    gates = [_token(seen), migrated]
    tiers = [_gateway(seen, frame, layout, gates), *_audio(seen, frame, decisions, gates)]
    facts = Facts(
        version=version,
        missing=missing,
        layout=layout,
        decisions=decisions,
        verdicts=tuple(one for tier in tiers for one in tier.step.verdicts),
    )
    still = seen.spec.paused or missing
    actions = [] if still else _actions(seen, frame, tiers, world, migrated)
    wanted = None if still else _directive(seen, tiers, now)
    pasts = {name: one.past for name, one in decisions.items()}
    return Plan(tuple(actions), status(seen, facts, now=now), wanted, pasts)


def version_of(seen: Bot, world: World) -> str:
    """Say the release: asked for, else pinned at the first look, unless it follows ours."""
    if seen.spec.image:
        return seen.spec.image
    if seen.spec.upgrade == "Automatic":
        return world.release
    return seen.spec.version or seen.status.version or world.release


def missing_secrets(seen: Bot) -> tuple[SecretRef, ...]:
    """List the Secrets that the spec names and that are not there."""
    return tuple(one for one in secrets_of(seen.spec) if one not in seen.secrets)


def secrets_of(spec: BotSpec) -> tuple[SecretRef, ...]:
    """List the Secrets that a spec names."""
    return secret_refs(spec.token_secret_ref, spec.database, spec.redis, spec.api.oauth_secret_ref)


def uses(spec: BotSpec, group: Group) -> bool:
    """Say whether a bot plays on a group: a region's selector, else the region's name."""
    for region in spec.regions:
        selector = region.lavalink_nodes
        if not selector.match_labels and not selector.match_expressions:
            if group.spec.region == region.name:
                return True
        elif selector.matches(dict(group.labels)):
            return True
    return False


def _decide(seen: Bot, region: Region, now: datetime) -> Decision:
    wanted, behaviour = region.audio, seen.spec.scaling.behaviour
    known = {one.name: one.audio for one in seen.status.regions}
    current = known.get(region.name) or wanted.minimum
    wish = scaling.wish_for_pods(
        wanted.players_per_pod,
        current,
        players=seen.players.get(region.name, NOT_ASKED),
        tolerance=behaviour.scale_up.tolerance_percent / 100,
    )
    policy = scaling.Policy(wanted.minimum, wanted.maximum, behaviour)
    past = seen.pasts.get(region.name, Past())
    return scaling.decide(policy, current, wish, past, now=now)


def _token(seen: Bot) -> Verdict:
    ok = seen.token.verdict in {"Valid", "NotAsked"}
    return Verdict("TokenValid", ok, "" if ok else seen.token.message)


def _migrated(seen: Bot, job: Manifest) -> Verdict:
    """Ask that the database is up to date before anything of this release runs."""
    there = next((one for one in seen.children if ref(one) == ref(job)), None)
    said = there.get("status", {}).get("conditions", []) if there else []
    done = {one["type"] for one in said if one["status"] == "True"}
    why = "the migration failed" if "Failed" in done else "the migration is not done yet"
    ok = "Complete" in done
    return Verdict("MigrationDone", ok, "" if ok else why)


def _gateway(seen: Bot, frame: Frame, layout: sharding.Sharding, gates: Sequence[Verdict]) -> Tier:
    manifest = gateway.deployment(frame)
    holdings = None
    if seen.fleet is not None:
        holdings = Holdings(seen.fleet.shards(), layout.shards or 0)
    goal = _goal(seen, manifest, layout.pods)
    laid_out = Verdict("ShardsLaidOut", layout.reason != "ReshardNeeded", layout.message)
    revisions = _revisions(seen, gateway.COMPONENT, "")
    step = rollout.step(goal, revisions, holdings, [*gates, laid_out, _budget(seen)])
    return Tier(gateway.COMPONENT, "", manifest, step)


def _budget(seen: Bot) -> Verdict:
    """Ask that, should every hand-over fail, the shards could still identify anew today."""
    left, shards = seen.token.remaining, seen.stored_shards
    if left is None or shards is None or left >= shards:
        return Verdict("IdentifyBudget", ok=True)
    return Verdict("IdentifyBudget", ok=False, why=f"{left} identifies are left today")


def _audio(
    seen: Bot, frame: Frame, decisions: dict[str, Decision], gates: Sequence[Verdict]
) -> list[Tier]:
    tiers = []
    for region in seen.spec.regions:
        manifest = audio.deployment(frame, region)
        holdings = None
        if seen.fleet is not None:
            holdings = Holdings(seen.fleet.partitions(region.name), DEFAULT_COUNT)
        goal = _goal(seen, manifest, decisions[region.name].count)
        step = rollout.step(goal, _revisions(seen, "audio", region.name), holdings, gates)
        tiers.append(Tier("audio", region.name, manifest, step))
    return tiers


def _goal(seen: Bot, manifest: Manifest, count: int) -> rollout.Goal:
    return rollout.Goal(revision_of(manifest), count, seen.spec.gateway.max_handovers)


def _revisions(seen: Bot, component: str, region: str) -> list[Revision]:
    """Read the Deployments of a tier, each with its pods."""
    return [
        Revision(
            child["metadata"]["name"],
            revision_of(child),
            child["spec"].get("replicas", 1),
            tuple(
                rollout.Pod(pod["metadata"]["name"], is_ready(pod))
                for pod in seen.pods
                if _of_tier(pod, component, region) and revision_of(pod) == revision_of(child)
            ),
        )
        for child in seen.children
        if child["kind"] == "Deployment"
        and revision_of(child)
        and _of_tier(child, component, region)
    ]


def _of_tier(one: Manifest, component: str, region: str) -> bool:
    return component_of(one) == component and labels_of(one).get(names.REGION, "") == region


def _actions(
    seen: Bot, frame: Frame, tiers: Sequence[Tier], world: World, migrated: Verdict
) -> list[Action]:
    """Apply what is simply there, then the migration, then what rolls; remove at last."""
    job = worker.migration(frame)
    wanted = bot.objects(frame, world.known)
    if not migrated.ok:
        waiting = {"api", "worker"}
        wanted = [one for one in wanted if component_of(one) not in waiting or _plain(one)]
    wanted += [job]
    wanted += [one for tier in tiers for one in tier.deployments]
    return [
        *changes.applied(wanted, seen.children),
        *(patch for tier in tiers for patch in _costs(seen, tier.step)),
        *_removed(seen, tiers, [ref(one) for one in wanted], migrated),
    ]


def _plain(one: Manifest) -> bool:
    """Say whether an object runs nothing, so that it may come before the migration."""
    return one["kind"] not in {"Deployment", "CronJob"}


def _costs(seen: Bot, step: Step) -> list[Patch]:
    """Have Kubernetes choose the empty pods when a count shrinks."""
    named = {pod["metadata"]["name"]: pod for pod in seen.pods}
    body = {"metadata": {"annotations": {DELETION_COST: "-100"}}}
    return [
        Patch(Ref("Pod", name), body, "it is emptied to go")
        for name in step.leaving
        if name in named
        and (named[name]["metadata"].get("annotations") or {}).get(DELETION_COST) != "-100"
    ]


def _removed(
    seen: Bot, tiers: Sequence[Tier], wanted: Sequence[Ref], migrated: Verdict
) -> list[Action]:
    """Remove what nothing wants; nothing at all while Redis or the migration is waited for."""
    if seen.fleet is None or not migrated.ok:
        return []
    kept = [*wanted, *_rolling(seen, tiers), *_leaving_regions(seen)]
    return changes.removed(kept, seen.children, seen.owner.uid, GONE)


def _rolling(seen: Bot, tiers: Sequence[Tier]) -> list[Ref]:
    """Keep the revisions that a rollout still needs."""
    return [
        Ref("Deployment", one.name)
        for tier in tiers
        for one in _revisions(seen, tier.component, tier.region)
        if one.revision in tier.step.replicas
    ]


def _leaving_regions(seen: Bot) -> list[Ref]:
    """Keep the pods of a region that is no longer asked for while they own players."""
    assert seen.fleet is not None
    asked = {region.name for region in seen.spec.regions}
    fleet, kept = seen.fleet, []
    for child in seen.children:
        region = labels_of(child).get(names.REGION, "")
        if child["kind"] == "Deployment" and region and region not in asked:
            found = _revisions(seen, component_of(child), region)
            if any(fleet.players_of(pod.name) for one in found for pod in one.pods):
                kept.append(ref(child))
    return kept


def _directive(seen: Bot, tiers: Sequence[Tier], now: datetime) -> Directive | None:
    """Say to the services what is wanted; nothing while their Redis is away."""
    if seen.fleet is None:
        return None
    addresses = [
        address
        for group in seen.groups
        if uses(seen.spec, group)
        for address in groups.addresses(group, sharing=max(1, len(group.fleets)), now=now)
    ]
    weights = {name: share for tier in tiers for name, share in tier.step.weights.items()}
    pace = min(tier.step.handovers for tier in tiers)
    return directive.compose(seen.fleet, addresses, weights, pace)
