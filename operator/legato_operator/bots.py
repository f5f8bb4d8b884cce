"""One look at a MusicBot: from what is seen to what is done. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from legato_operator import (
    applications,
    changes,
    conditions,
    directing,
    held,
    names,
    scaling,
    sharding,
    slots,
    tiers,
    troubles,
)
from legato_operator.botstatus import Facts, status
from legato_operator.changes import Action, Patch, Plan
from legato_operator.desired import api, bot, pinned, worker
from legato_operator.desired import frame as frames
from legato_operator.desired.frame import Frame, revision_of
from legato_operator.desired.manifest import Manifest, Owner, Ref, ref
from legato_operator.desired.pods import secret_refs
from legato_operator.resources.musicbot import BotSpec, Region
from legato_operator.resources.shared import SecretRef
from legato_operator.resources.status import BotStatus
from legato_operator.rollout import Step
from legato_operator.scaling import Decision, Past
from legato_operator.seen import (
    NOT_ASKED,
    Bot,
    Peer,
    World,
    component_of,
    is_ending,
    labels_of,
    uid_of,
)
from legato_operator.tiers import Tier
from legato_operator.verdicts import Verdict

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
FAREWELL = timedelta(seconds=60)
"""How long a bot that is deleted may take to leave every channel."""
SOON = timedelta(seconds=1)
OBSERVED = {"ShardsNotConnected", "PartitionsNotOwned"}
"""Reasons that end by what services write to Redis."""
RELEASE = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
GONE = "what replaced it holds everything"


def reconcile(seen: Bot, world: World, *, now: datetime) -> Plan:
    """Bring a bot to what its spec asks for."""
    version, slot = version_of(seen, world)
    frame = Frame(seen.owner, seen.spec, version, seen.secrets)
    layout = sharding.plan(seen.spec.gateway, seen.stored_shards)
    decisions = {one.name: _decide(seen, one, now) for one in seen.spec.regions}
    job = frames.kept(frame, worker.migration(frame), seen.children, worker.migration)
    migrated = _migrated(seen, job)
    free = applications.free(seen.owner, seen.spec.application_id, world)
    gates = [_unpaused(seen), free, _secrets(seen), _token(seen), migrated]
    gateway = tiers.of_gateway(seen, frame, layout, gates, now=now)
    listed = [gateway, *tiers.of_audio(seen, frame, decisions, gates)]
    facts = Facts(
        version=version,
        missing=missing_secrets(seen),
        schedules=worker.faults(seen.spec.worker),
        layout=layout,
        decisions=decisions,
        steps={tier.name: tier.step for tier in listed},
        slot=slot,
        migrated=migrated,
        free=free,
        nodes=directing.ready_nodes(seen),
    )
    if seen.deleting_since is not None:
        return _farewell(seen, listed, facts, now=now)
    untold = seen.spec.paused or facts.missing or (not free.ok and not facts.runs)
    still = untold or not free.ok
    simply = [_as_it_is(seen, frame, one) for one in bot.objects(frame, world.known)]
    actions = [] if still else _actions(seen, [*simply, job], listed, migrated)
    said = status(seen, facts, now=now)
    return Plan(
        tuple(actions),
        said,
        None if untold else directing.document(seen, listed, now),
        {name: one.past for name, one in decisions.items()},
        shards=None if still else tiers.relaid(seen, layout, gateway),
        coming=conditions.is_new(said.conditions, OBSERVED, now=now),
    )


def version_of(seen: Bot, world: World) -> tuple[str, Verdict]:
    """Say the release: asked for, else pinned at the first look, unless it follows ours."""
    free, said = Verdict("RolloutSlot", ok=True), seen.status.version
    if seen.spec.paused and said:
        return said, free
    if seen.spec.image:
        return seen.spec.image, free
    # An image of its own stood there as well.
    pinned = said if RELEASE.fullmatch(said) else ""
    if seen.spec.upgrade == "Automatic":
        slot = slots.turn(peer_of(seen.owner, seen.spec, seen.status), world)
        return (pinned if pinned and not slot.ok else world.release), slot
    return seen.spec.version or pinned or world.release, free


def peer_of(owner: Owner, spec: BotSpec, said: BotStatus) -> Peer:
    """Say of a bot what others must know before they follow the operator's release."""
    so = {one.type for one in said.conditions if one.status == "True"}
    return Peer(
        owner.namespace,
        owner.name,
        said.version,
        follows=spec.upgrade == "Automatic" and not spec.paused,
        ready="Ready" in so,
        progressing="Progressing" in so,
    )


def missing_secrets(seen: Bot) -> tuple[SecretRef, ...]:
    """List the Secrets that the spec names and that are not there."""
    return tuple(one for one in _needed(seen.spec) if one not in seen.secrets)


def secrets_of(spec: BotSpec) -> tuple[SecretRef, ...]:
    """List the Secrets that a spec names."""
    return (*_needed(spec), *spec.pod_template.secrets())


def _needed(spec: BotSpec) -> tuple[SecretRef, ...]:
    named = secret_refs(spec.token_secret_ref, spec.database, spec.redis, spec.api.oauth_secret_ref)
    return (*named, *spec.pod_template.secrets(optional=False))


def _decide(seen: Bot, region: Region, now: datetime) -> Decision:
    wanted, behaviour = region.audio, seen.spec.scaling.behaviour
    known = {one.name: one.audio for one in seen.status.regions}
    current = known.get(region.name) or wanted.minimum
    past = seen.pasts.get(region.name, Past())
    if seen.spec.paused:
        return scaling.paused(current, past)
    wish = scaling.wish_for_pods(
        wanted.players_per_pod,
        current,
        players=seen.players.get(region.name, NOT_ASKED),
        tolerance=scaling.Tolerance.of(behaviour),
    )
    policy = scaling.Policy(wanted.minimum, wanted.maximum, behaviour)
    return scaling.decide(policy, current, wish, past, now=now)


def _unpaused(seen: Bot) -> Verdict:
    return Verdict("NotPaused", not seen.spec.paused, "spec.paused is set")


def _secrets(seen: Bot) -> Verdict:
    missing = ", ".join(f"{one.name} (key {one.key})" for one in missing_secrets(seen))
    return Verdict("SecretsThere", not missing, f"not there: Secret {missing}" if missing else "")


def _token(seen: Bot) -> Verdict:
    refused = seen.token.verdict in {"Refused", "OtherApplication"}
    return Verdict("TokenValid", not refused, seen.token.message if refused else "")


def _migrated(seen: Bot, job: Manifest) -> Verdict:
    """Ask that the database is up to date before anything of this release runs."""
    there = next((one for one in seen.children if ref(one) == ref(job)), None)
    said = there.get("status", {}).get("conditions", []) if there else []
    done = {one["type"] for one in said if one["status"] == "True"}
    if "Complete" in done:
        return Verdict("MigrationDone", ok=True)
    if "Failed" in done:
        why = f"the migration failed: see the log of Job {ref(job).name}, and delete it to try anew"
        return Verdict("MigrationDone", ok=False, why=why)
    pods = [one for one in seen.pods if component_of(one) == worker.MIGRATION]
    trouble = troubles.first(pods)
    why = f"the migration is not done yet{f': {trouble}' if trouble else ''}"
    return Verdict("MigrationDone", ok=False, why=why)


def _farewell(seen: Bot, listed: Sequence[Tier], facts: Facts, *, now: datetime) -> Plan:
    """Have the bot leave every channel before its pods go, and wait no longer than a while."""
    assert seen.deleting_since is not None
    said = status(seen, facts, now=now)
    over = now >= seen.deleting_since + FAREWELL
    runs = any(component_of(pod) == "audio" and not is_ending(pod) for pod in seen.pods)
    told = seen.fleet is not None and seen.fleet.is_closing
    silent = seen.fleet is not None and seen.fleet.all_players() == 0
    if over or not runs or (told and silent):
        reason = "its time is over" if over else "it plays nowhere any more"
        released = held.released(seen.owner, seen.finalizers, seen.version, reason)
        return Plan((released,), said, again=SOON)
    return Plan((), said, directing.document(seen, listed, now, closing=True), again=SOON)


def _as_it_is(seen: Bot, frame: Frame, one: Manifest) -> Manifest:
    """Leave the API's Deployment as it was made, as long as it was made of the same."""
    if ref(one) != ref(alike := api.deployment(frame)):
        return one
    kept = frames.kept(frame, alike, seen.children, api.deployment)
    return frames.sized(kept, seen.spec.api.replicas)


def _actions(
    seen: Bot, simply: Sequence[Manifest], listed: Sequence[Tier], migrated: Verdict
) -> list[Action]:
    """Apply what is simply there, then the migration, then what rolls; remove at last."""
    waiting = set() if migrated.ok else {"api", "worker"}
    wanted = [one for one in simply if component_of(one) not in waiting or _plain(one)]
    wanted += [one for tier in listed for one in tier.deployments]
    return [
        *held.back(seen.owner, seen.finalizers, seen.version),
        *_pins(seen, wanted),
        *changes.applied(wanted, seen.children),
        *_ended(seen, listed),
        *(patch for tier in listed for patch in _costs(seen, tier.step)),
        *_removed(seen, listed, [ref(one) for one in wanted], migrated),
    ]


def _pins(seen: Bot, wanted: Sequence[Manifest]) -> list[Action]:
    """Keep what pods begin with: a token only once a gateway may begin with it."""
    known = {
        pinned.key(what, seen.secrets[one]): seen.values[one]
        for what, one in pinned.read_by(seen.spec).items()
        if one in seen.values
    }
    using = [*wanted, *seen.children, *seen.pods]
    return changes.pins(seen.owner, seen.pinned, using, known)


def _plain(one: Manifest) -> bool:
    """Say whether an object runs nothing, so that it may come before the migration."""
    return one["kind"] not in {"Deployment", "CronJob"}


def _ended(seen: Bot, listed: Sequence[Tier]) -> list[Patch]:
    """Bring revisions that are not wanted any more to the count that a step says."""
    uids = {ref(one): uid_of(one) for one in seen.children}
    return [
        Patch(named, {"spec": {"replicas": count}}, "it ends", uids[named])
        for tier in listed
        for one in tiers.revisions(seen, tier.component, tier.region)
        if (named := Ref("Deployment", one.name)) in uids
        and one.revision != revision_of(tier.manifest)
        and (count := tier.step.replicas.get(one.revision, one.replicas)) != one.replicas
    ]


def _costs(seen: Bot, step: Step) -> list[Patch]:
    """Have Kubernetes choose the empty pods when a count shrinks."""
    named = {pod["metadata"]["name"]: pod for pod in seen.pods}
    body = {"metadata": {"annotations": {DELETION_COST: "-100"}}}
    return [
        Patch(Ref("Pod", name), body, "it is emptied to go", uid_of(named[name]))
        for name in step.leaving
        if name in named
        and (named[name]["metadata"].get("annotations") or {}).get(DELETION_COST) != "-100"
    ]


def _removed(
    seen: Bot, listed: Sequence[Tier], wanted: Sequence[Ref], migrated: Verdict
) -> list[Action]:
    """Remove what nothing wants; nothing at all while Redis or the migration is waited for."""
    if seen.fleet is None or not migrated.ok:
        return []
    kept = [*wanted, *_rolling(seen, listed), *_leaving_regions(seen)]
    # A schedule that can't be read leaves the one before in force.
    kept += [Ref("CronJob", names.joined(seen.name, job.name)) for job in seen.spec.worker.jobs]
    return changes.removed(kept, seen.children, seen.owner.uid, GONE)


def _rolling(seen: Bot, listed: Sequence[Tier]) -> list[Ref]:
    """Keep the revisions that a rollout still needs."""
    return [
        Ref("Deployment", one.name)
        for tier in listed
        for one in tiers.revisions(seen, tier.component, tier.region)
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
            found = tiers.revisions(seen, component_of(child), region)
            if any(fleet.players_of(pod.name) for one in found for pod in one.pods):
                kept.append(ref(child))
    return kept
