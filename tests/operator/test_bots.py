import dataclasses

import msgspec

from legato_operator import bots, names
from legato_operator.changes import Apply, Delete
from legato_operator.desired.manifest import Ref
from legato_operator.resources.shared import PodOverrides, SecretRef
from legato_operator.resources.status import BotStatus
from legato_operator.seen import Peer, Token
from support_operator_model import WORLD, Model, changed, condition, deployments


def test_a_bot_comes_up_and_is_ready(settled: Model) -> None:
    assert condition(settled, "Ready") == ("True", "ShardsConnected")
    assert settled.bot_status.version == "1.2.3"
    assert len(settled.gateways()) == 2
    assert settled.directive is not None
    assert [one.name for one in settled.directive.nodes] == ["berlin-0"]
    assert settled.violations == []


def test_a_second_look_does_nothing(settled: Model) -> None:
    plan = bots.reconcile(settled.bot(), WORLD, now=settled.now)

    assert plan.actions == ()
    assert plan.directive == settled.directive
    assert plan.status == settled.bot_status


def test_nothing_runs_before_the_database_is_up_to_date() -> None:
    model = Model(migrates=False)
    model.settle()

    kinds = {one.kind for one in model.children if one.name.startswith("melody")}
    assert "Deployment" not in kinds
    assert "CronJob" not in kinds
    assert condition(model, "Ready") == ("False", "MigrationWaits")


def test_a_wrong_token_is_never_rolled_out(settled: Model) -> None:
    before = set(settled.children)
    settled.secret_hash = "another"
    seen = dataclasses.replace(settled.bot(), token=Token("Refused", "Discord refuses it."))

    plan = bots.reconcile(seen, WORLD, now=settled.now)

    applied = {one.ref for one in plan.actions if isinstance(one, Apply)}
    assert not {one for one in applied if "gateway" in one.name or "audio" in one.name} - before
    assert not [one for one in plan.actions if isinstance(one, Delete)]


def test_another_release_rolls_by_hand_over_and_leaves_one_revision(settled: Model) -> None:
    before = deployments(settled, "gateway")

    changed(settled, version="1.3.0")
    settled.settle()

    after = deployments(settled, "gateway")
    assert len(before) == len(after) == 1
    assert before != after
    assert settled.bot_status.version == "1.3.0"
    assert condition(settled, "RolloutBlocked") == ("False", "NothingWaits")


def test_both_revisions_are_there_until_the_old_one_holds_nothing(settled: Model) -> None:
    changed(settled, version="1.3.0")
    counts = []
    for _ in range(10):
        settled.turn()
        counts.append(len(deployments(settled, "gateway")))

    assert 2 in counts
    assert 0 not in counts


def test_a_newer_operator_changes_no_workload_by_itself(settled: Model) -> None:
    newer = dataclasses.replace(WORLD, release="9.9.9")

    plan = bots.reconcile(settled.bot(), newer, now=settled.now)

    assert plan.actions == ()


def test_a_bot_without_its_own_image_any_more_runs_the_operators_release(settled: Model) -> None:
    changed(settled, image="example.org/legato:2")
    settled.settle()
    assert settled.bot_status.version == "example.org/legato:2"

    changed(settled, image=None)
    settled.settle()

    assert settled.bot_status.version == "1.2.3"
    (pod,) = (settled.pods[one] for one in settled.pods_of("audio"))
    assert pod["spec"]["containers"][0]["image"].endswith("/legato-audio:1.2.3")


def test_while_redis_is_away_nothing_is_removed(settled: Model) -> None:
    settled.redis = False
    changed(settled, version="1.3.0")
    before = set(deployments(settled, "gateway"))

    for _ in range(20):
        settled.turn()

    assert before <= set(deployments(settled, "gateway"))
    assert condition(settled, "ControlPlaneReachable") == ("False", "RedisAway")
    settled.redis = True
    settled.settle()
    assert len(deployments(settled, "gateway")) == 1


def test_a_paused_bot_is_looked_at_and_left_alone(settled: Model) -> None:
    there, told = dict(settled.children), settled.directive
    changed(settled, paused=True, version="1.3.0", image="example.org/legato:2")

    settled.settle()

    assert (settled.children, settled.directive) == (there, told)
    assert condition(settled, "Paused")[0] == "True"
    assert condition(settled, "Ready")[0] == "True"
    assert condition(settled, "RolloutBlocked") == ("True", "NotPaused")
    assert condition(settled, "ScalingActive") == ("Unknown", "Paused")
    assert settled.bot_status.version == "1.2.3"


def test_a_certificate_that_pods_trust_is_needed_and_rolls_them_when_it_changes(
    settled: Model,
) -> None:
    authority = SecretRef(name="company", key="ca.crt")
    before = set(deployments(settled, "gateway"))

    changed(settled, pod_template=PodOverrides(ca_secret_ref=authority))
    settled.settle()
    assert condition(settled, "Ready") == ("False", "SecretMissing")
    assert set(deployments(settled, "gateway")) == before

    for content in ("one", "two"):
        settled.more_secrets = {authority: content}
        settled.settle()
        assert condition(settled, "Ready")[0] == "True"
        assert not before & set(deployments(settled, "gateway"))
        before = set(deployments(settled, "gateway"))
    assert settled.violations == []


def test_a_child_that_was_changed_or_removed_is_restored(settled: Model) -> None:
    service = Ref("Service", "melody-api")
    del settled.children[service]
    job = settled.children[Ref("CronJob", "melody-usage")]
    settled.children[Ref("CronJob", "melody-usage")] = job | {
        "spec": job["spec"] | {"suspend": True}
    }

    plan = bots.reconcile(settled.bot(), WORLD, now=settled.now)

    reasons = {one.ref: one.reason for one in plan.actions if isinstance(one, Apply)}
    assert reasons == {
        service: "it is not there",
        Ref("CronJob", "melody-usage"): "somebody changed it",
    }


def test_a_users_own_labels_are_left(settled: Model) -> None:
    account = settled.children[Ref("ServiceAccount", "melody-services")]
    account["metadata"]["labels"]["team"] = "music"

    assert bots.reconcile(settled.bot(), WORLD, now=settled.now).actions == ()


def test_a_region_that_plays_outlives_its_removal(settled: Model) -> None:
    settled.play(10)
    other = msgspec.structs.replace(settled.bot_spec.regions[0], name="america")
    changed(settled, regions=(other,))

    settled.turn()

    assert any("audio-europe" in one.name for one in settled.children)


def test_a_confirmed_reshard_ends_every_gateway_and_begins_with_the_new_count(
    settled: Model,
) -> None:
    gateway = settled.bot_spec.gateway
    wished = msgspec.structs.replace(gateway, shards=32)
    changed(settled, gateway=wished)
    settled.settle()
    assert (settled.stored_shards, len(settled.gateways())) == (16, 2)
    assert condition(settled, "RolloutBlocked") == ("True", "ReshardConfirmed")

    changed(settled, gateway=msgspec.structs.replace(wished, reshard_to=32))
    fewest = 2
    for _ in range(40):
        settled.turn()
        fewest = min(fewest, len(settled.gateways()))

    assert fewest == 0
    assert (settled.stored_shards, len(settled.gateways())) == (32, 4)
    assert len(deployments(settled, "gateway")) == 1
    assert condition(settled, "Ready") == ("True", "ShardsConnected")
    assert settled.violations == []


def test_a_deleted_bot_leaves_every_channel_before_it_goes(settled: Model) -> None:
    settled.play(10)
    settled.turns(2)
    assert settled.bot_finalizers == (names.FINALIZER,)
    settled.deleting_since = settled.now

    settled.turn()
    assert not settled.is_gone
    assert condition(settled, "Ready") == ("False", "Deleting")
    settled.turns(3)

    assert settled.is_gone
    assert settled.directive is not None
    assert settled.directive.closing is True


def test_a_deleted_bot_whose_redis_is_away_goes_after_a_while(settled: Model) -> None:
    settled.redis = False
    settled.deleting_since = settled.now

    settled.turn()
    assert not settled.is_gone
    settled.turns(5)

    assert settled.is_gone


def test_a_bot_without_pods_goes_at_once() -> None:
    model = Model()
    going = dataclasses.replace(
        model.bot(), deleting_since=model.now, finalizers=(names.FINALIZER,)
    )

    plan = bots.reconcile(going, WORLD, now=model.now)

    assert [one.reason for one in plan.actions] == ["it plays nowhere any more"]


def test_a_bot_that_follows_the_operator_waits_for_its_slot(settled: Model) -> None:
    changed(settled, upgrade="Automatic")
    other = Peer("music", "a", "1.3.0", follows=True, progressing=True)
    newer = dataclasses.replace(WORLD, release="1.3.0", peers=(other,))

    held = bots.reconcile(settled.bot(), newer, now=settled.now)
    free = bots.reconcile(settled.bot(), dataclasses.replace(newer, peers=()), now=settled.now)

    assert [one for one in held.actions if isinstance(one, Apply)] == []
    assert isinstance(held.status, BotStatus)
    assert (held.status.version, free.status.version if free.status else "") == ("1.2.3", "1.3.0")
    blocked = next(one for one in held.status.conditions if one.type == "RolloutBlocked")
    assert (blocked.reason, blocked.message) == ("RolloutSlot", "RolloutSlot: first music/a")
