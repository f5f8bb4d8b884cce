import dataclasses
from datetime import timedelta

import msgspec

from legato_operator import bots, changes
from legato_operator.changes import Delete
from legato_operator.desired.manifest import Ref
from legato_operator.resources.status import BotStatus, RegionStatus
from legato_operator.seen import Token
from support_operator_model import WORLD, Model, changed, condition


def test_a_missing_secret_is_named_and_touches_nothing(settled: Model) -> None:
    seen = dataclasses.replace(settled.bot(), secrets={})

    plan = bots.reconcile(seen, WORLD, now=settled.now)

    assert plan.actions == ()
    assert plan.directive is None
    assert plan.status is not None
    ready = next(one for one in plan.status.conditions if one.type == "Ready")
    assert (ready.reason, "postgres (key url)" in ready.message) == ("SecretMissing", True)


def test_a_bot_whose_nodes_do_not_answer_says_so(settled: Model) -> None:
    for name, pod in settled.pods.items():
        if name.startswith("berlin-"):
            pod["status"]["conditions"][0]["status"] = "False"

    plan = bots.reconcile(settled.bot(), WORLD, now=settled.now)

    assert isinstance(plan.status, BotStatus)
    ready = next(one for one in plan.status.conditions if one.type == "Ready")
    assert (ready.reason, "europe" in ready.message) == ("NodesNotReady", True)
    assert [one.nodes for one in plan.status.regions] == [0]


def test_a_schedule_that_cant_be_read_is_said_and_leaves_the_one_before(settled: Model) -> None:
    before = settled.children[Ref("CronJob", "melody-usage")]
    jobs = tuple(
        msgspec.structs.replace(one, schedule="every now and then") if one.name == "usage" else one
        for one in settled.bot_spec.worker.jobs
    )
    changed(settled, worker=msgspec.structs.replace(settled.bot_spec.worker, jobs=jobs))

    settled.settle()

    assert settled.children[Ref("CronJob", "melody-usage")] == before
    assert condition(settled, "Ready") == ("False", "ScheduleUnreadable")


def test_what_the_api_server_does_not_take_is_said(settled: Model) -> None:
    seen = dataclasses.replace(settled.bot(), refused=("Ingress/melody-api: no such class",))

    plan = bots.reconcile(seen, WORLD, now=settled.now)

    assert plan.status is not None
    ready = next(one for one in plan.status.conditions if one.type == "Ready")
    assert (ready.reason, ready.message) == (
        "ObjectRefused",
        "Ingress/melody-api: no such class",
    )


def test_an_image_that_does_not_exist_holds_its_rollout_and_the_old_pods_play_on(
    settled: Model,
) -> None:
    changed(settled, version="1.3.0")
    settled.turns(2)
    new = [name for name in settled.pods if name not in settled.gateways() and "gateway" in name]
    assert new
    seen = settled.bot()
    waiting = {"reason": "ImagePullBackOff", "message": "not found"}
    for pod in seen.pods:
        if pod["metadata"]["name"] in new:
            pod["status"]["containerStatuses"] = [{"image": "i:1", "state": {"waiting": waiting}}]

    plan = bots.reconcile(seen, WORLD, now=settled.now)

    assert isinstance(plan.status, BotStatus)
    so = {one.type: one for one in plan.status.conditions}
    assert so["Ready"].status == "True"
    assert so["RolloutBlocked"].reason == "NewPodsReady"
    assert "can't pull i:1: not found" in so["RolloutBlocked"].message
    assert not [one for one in plan.actions if isinstance(one, Delete)]


def test_a_bot_that_no_nodes_serve_says_so(settled: Model) -> None:
    plan = bots.reconcile(dataclasses.replace(settled.bot(), groups=()), WORLD, now=settled.now)

    assert plan.status is not None
    ready = next(one for one in plan.status.conditions if one.type == "Ready")
    assert (ready.reason, "europe" in ready.message) == ("NoNodes", True)


def test_every_condition_has_a_reason_and_a_sentence(settled: Model) -> None:
    for status in (settled.bot_status, settled.node_status):
        assert [one.type for one in status.conditions if not (one.reason and one.message)] == []
    assert {one.type for one in settled.bot_status.conditions} == {
        "Ready",
        "Progressing",
        "TokenValid",
        "IdentifyBudgetAvailable",
        "ShardsConnected",
        "ScalingActive",
        "RolloutBlocked",
        "ControlPlaneReachable",
        "Paused",
    }
    assert {one.type for one in settled.node_status.conditions} >= {
        "Ready",
        "SchedulingEnabled",
        "Draining",
        "Degraded",
        "ScalingActive",
    }


def test_an_audio_pod_is_emptied_before_it_goes_and_that_is_no_rollout(settled: Model) -> None:
    settled.play(700)
    settled.settle()
    seen = settled.bot()
    *_, last = settled.pods_of("audio")
    assert seen.fleet is not None
    observed = tuple(
        msgspec.structs.replace(one, partitions=("1:europe:p0",)) if one.member == last else one
        for one in seen.fleet.observed
    )
    fewer = (RegionStatus(name="europe", audio=1),)
    seen = dataclasses.replace(
        seen,
        fleet=dataclasses.replace(seen.fleet, observed=observed),
        status=msgspec.structs.replace(seen.status, regions=fewer),
        players={},
    )

    plan = bots.reconcile(seen, WORLD, now=settled.now)

    assert isinstance(plan.status, BotStatus)
    (one,) = plan.status.in_progress
    assert one.what == "shrinks audio europe"
    assert one.blocked_by == "OldHoldNothing: 1 are to be handed over"


def test_a_region_says_how_many_play_in_it(settled: Model) -> None:
    settled.play(10)
    settled.settle()

    assert [(one.name, one.players) for one in settled.bot_status.regions] == [("europe", 10)]


def test_sessions_that_are_to_come_are_looked_for_soon_but_not_for_ever(settled: Model) -> None:
    seen = settled.bot()
    assert seen.fleet is not None
    waiting = dataclasses.replace(seen, fleet=dataclasses.replace(seen.fleet, observed=()))

    first = bots.reconcile(waiting, WORLD, now=settled.now)

    assert isinstance(first.status, BotStatus)
    assert (first.coming, first.next_look) == (True, changes.UNDER_WAY)
    waiting = dataclasses.replace(waiting, status=first.status)
    later = bots.reconcile(waiting, WORLD, now=settled.now + timedelta(minutes=5))
    assert not later.coming
    assert not bots.reconcile(seen, WORLD, now=settled.now).coming


def test_a_rollout_that_waits_is_told_beside_that_all_is_well(settled: Model) -> None:
    changed(settled, version="0.2.0")

    said = bots.reconcile(settled.bot(), WORLD, now=settled.now).status

    assert said is not None
    ready = next(one for one in said.conditions if one.type == "Ready")
    assert (ready.status, ready.message.split(".")[1]) == (
        "True",
        " A rollout waits: MigrationDone: gateway, audio europe: the migration is not done yet",
    )


def test_a_token_that_is_refused_is_told_with_its_secret(settled: Model) -> None:
    seen = dataclasses.replace(settled.bot(), token=Token("Refused", "Discord refuses the token."))

    said = bots.reconcile(seen, WORLD, now=settled.now).status

    assert said is not None
    ready = next(one for one in said.conditions if one.type == "Ready")
    assert "It is in Secret discord, key token; pods that run keep the one before." in ready.message
