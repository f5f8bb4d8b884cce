import dataclasses
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from legato.contracts.fleet import ObservedNode
from legato_operator import directive, groups, names
from legato_operator.changes import Apply, Delete, MakePassword, Patch
from legato_operator.desired.manifest import Ref
from legato_operator.directive import Fleet
from legato_operator.resources.shared import PodOverrides, SecretRef
from legato_operator.resources.status import NodeStatus
from legato_operator.seen import Group, Machine
from support_operator_model import WORLD, Model, lost

ONE = {"replicas": 1, "minimum": None, "maximum": None}


def changed(model: Model, **spec: object) -> None:
    model.node_spec = msgspec.structs.replace(model.node_spec, **spec)


def condition(model: Model, name: str) -> tuple[str, str]:
    found = next(one for one in model.node_status.conditions if one.type == name)
    return found.status, found.reason


def nodes(model: Model) -> list[str]:
    return sorted(one for one in model.pods if one.startswith("berlin-"))


def test_a_group_comes_up_with_a_password_of_its_own(settled: Model) -> None:
    assert condition(settled, "Ready") == ("True", "NodesReady")
    assert (settled.node_status.nodes, settled.node_status.replicas) == ("1/1", 1)
    assert len(settled.passwords) == 1


def test_nothing_runs_before_there_is_a_password() -> None:
    model = Model()

    plan = groups.reconcile(model.group(), WORLD, now=model.now)

    assert [type(one) for one in plan.actions] == [Patch, MakePassword]
    model.turn()
    assert model.node_status.conditions
    assert condition(model, "Ready") == ("False", "Starting")


def test_a_second_look_does_nothing(settled: Model) -> None:
    plan = groups.reconcile(settled.group(), WORLD, now=settled.now)

    assert plan.actions == ()
    assert plan.status == settled.node_status


def test_more_players_bring_more_nodes_and_fewer_take_them_away_emptied(settled: Model) -> None:
    settled.play(250)
    settled.settle()
    assert len(nodes(settled)) == 3

    settled.play(5)
    settled.turns(60)

    assert nodes(settled) == ["berlin-0"]
    assert sum(settled.players.values()) == 5
    assert settled.violations == []


def test_without_prometheus_nothing_changes_and_it_is_said(settled: Model) -> None:
    settled.play(250)
    settled.settle()
    settled.prometheus = False
    settled.play(5)

    settled.turns(60)

    assert len(nodes(settled)) == 3
    assert condition(settled, "ScalingActive") == ("False", "MetricsUnavailable")


def test_another_release_replaces_the_nodes_one_by_one_over_a_surge(settled: Model) -> None:
    settled.play(150)
    settled.settle()
    counts = set()

    changed(settled, version="4.3.0")
    for _ in range(60):
        settled.turn()
        counts.add(len(nodes(settled)))

    revisions = {settled.pods[one]["metadata"]["labels"][names.REVISION] for one in nodes(settled)}
    assert counts == {2, 3}
    assert len(revisions) == 1
    assert sum(settled.players.values()) == 150
    assert settled.violations == []


def test_a_rollout_says_why_its_surge_does_not_answer(settled: Model) -> None:
    waits = {"reason": "ImagePullBackOff", "message": "no such manifest"}
    before = len(nodes(settled))
    changed(settled, version="4.3.0")
    settled.until(lambda: len(nodes(settled)) > before)
    name = nodes(settled)[-1]
    settled.pods[name]["status"]["containerStatuses"] = [{"state": {"waiting": waits}}]

    plan = groups.reconcile(settled.group(), WORLD, now=settled.now)

    assert isinstance(plan.status, NodeStatus)
    blocked = next(one for one in plan.status.conditions if one.type == "RolloutBlocked")
    assert blocked.reason == "OthersReady"
    assert "no such manifest" in blocked.message
    assert "no such manifest" in plan.status.in_progress[-1].blocked_by


def test_while_a_password_is_rotated_each_node_is_reached_by_its_own(settled: Model) -> None:
    changed(settled, rotation=1)
    told = set()
    for _ in range(30):
        settled.turn()
        assert settled.directive is not None
        told |= {(one.name, one.password) for one in settled.directive.nodes}

    assert told == {
        ("berlin-0", "password-0"),
        ("berlin-0", "password-1"),
        ("berlin-1", "password-1"),
    }
    assert settled.violations == []


def test_a_password_that_somebody_removed_is_made_anew_while_its_nodes_play(settled: Model) -> None:
    settled.play(10)
    settled.settle()
    del settled.children[Ref("Secret", "berlin-password")]
    settled.passwords.clear()

    settled.turn()
    assert [type(one) for one in settled.plans[0].actions] == [MakePassword]
    settled.settle()

    assert condition(settled, "Ready")[0] == "True"
    assert settled.violations == []


def test_while_a_persons_own_secret_is_changed_nobody_loses_a_node(settled: Model) -> None:
    changed(settled, password_secret_ref=SecretRef(name="nodes", key="password"))
    settled.known_passwords = 1
    settled.play(10)
    settled.settle()

    settled.passwords.append("another")
    told = set()
    for _ in range(30):
        settled.turn()
        assert settled.directive is not None
        assert settled.waiting == 0
        told |= {(one.name, one.password) for one in settled.directive.nodes}

    assert told == {("berlin-0", "password-0"), ("berlin-0", "another"), ("berlin-1", "another")}
    assert settled.violations == []


def test_a_paused_group_is_looked_at_and_left_alone(settled: Model) -> None:
    settled.play(150)
    settled.settle()
    told, there = settled.directive, dict(settled.pods)

    changed(settled, version="4.3.0", paused=True, **ONE)
    settled.play(5)
    settled.turns(60)

    assert settled.directive == told
    assert settled.pods == there
    assert condition(settled, "Paused")[0] == "True"
    assert condition(settled, "Draining") == ("False", "NothingDrains")


def test_a_paused_group_follows_no_load(settled: Model) -> None:
    changed(settled, paused=True)
    settled.play(350)
    settled.turns(10)

    assert nodes(settled) == ["berlin-0"]
    assert condition(settled, "ScalingActive") == ("Unknown", "Paused")


def test_a_group_that_is_paused_while_a_node_drains_goes_on_afterwards(settled: Model) -> None:
    settled.play(150)
    settled.settle()
    changed(settled, version="4.3.0")
    settled.until(lambda: any(one.cordoned for one in settled.told))
    told = settled.directive

    changed(settled, paused=True)
    settled.turns(10)
    assert settled.directive == told
    assert condition(settled, "Draining")[0] == "True"

    changed(settled, paused=False)
    settled.settle()
    assert settled.violations == []
    assert sum(settled.players.values()) == 150


@pytest.mark.parametrize(
    "wrong",
    [
        {"application_yml": {"server": {"port": 80}}},
        {"pod_template": PodOverrides(ca_secret_ref=SecretRef(name="ca", key="ca.crt"))},
    ],
)
def test_what_cant_be_made_empties_no_node(settled: Model, wrong: dict[str, object]) -> None:
    settled.play(150)
    settled.settle()
    told = settled.directive

    changed(settled, **wrong, **ONE)
    settled.turns(10)

    assert settled.directive == told
    assert condition(settled, "Ready")[0] == "False"


def test_another_rotation_waits_until_every_node_has_the_password_of_the_last(
    settled: Model,
) -> None:
    changed(settled, rotation=1)
    settled.turns(2)
    changed(settled, rotation=2)
    settled.turns(2)
    assert len(settled.passwords) == 2

    settled.settle()

    assert len(settled.passwords) == 3
    assert settled.violations == []


def test_a_drained_machine_gets_its_node_back_empty(settled: Model) -> None:
    settled.play(50)
    settled.machines["machine-berlin-0"] = Machine(cordoned=True)

    settled.settle()

    assert settled.players.get("berlin-0", 0) == 0
    assert names.PROTECTED not in settled.pods["berlin-0"]["metadata"]["labels"]
    assert names.PROTECTED in settled.pods["berlin-1"]["metadata"]["labels"]
    assert sum(settled.players.values()) == 50


def deadline(model: Model, name: str) -> datetime:
    """Say until when the bot was told to leave a node."""
    assert model.directive is not None
    told = next(one for one in model.directive.nodes if one.name == name)
    return datetime.fromtimestamp(told.drain_deadline / 1000, UTC)


def test_a_drain_whose_players_cant_be_moved_ends_after_its_deadline_and_not_before(
    settled: Model,
) -> None:
    settled.play(50)
    settled.stuck = {"berlin-0"}
    settled.machines["machine-berlin-0"] = Machine(cordoned=True)
    settled.until(lambda: any(one.drain_deadline for one in settled.told))
    ends = deadline(settled, "berlin-0") + directive.LAST_MOVES

    while settled.now < ends:
        assert names.PROTECTED in settled.pods["berlin-0"]["metadata"]["labels"]
        settled.turn()
    settled.until(lambda: condition(settled, "Draining") == ("True", "DeadlinePassed"))

    assert names.PROTECTED not in settled.pods["berlin-0"]["metadata"]["labels"]
    assert settled.now < ends + timedelta(minutes=1)


def test_a_deadline_ends_nothing_while_redis_is_away(settled: Model) -> None:
    settled.play(50)
    settled.stuck = {"berlin-0"}
    changed(settled, version="4.3.0")
    settled.until(lambda: any(one.drain_deadline for one in settled.told))
    settled.redis = False

    settled.turns(60)
    assert settled.cut == 0

    settled.redis = True
    settled.settle()
    assert settled.cut == 50
    assert sum(settled.players.values()) == 50
    assert settled.violations == []


def test_a_node_that_was_lost_is_written_off_and_replaced(settled: Model) -> None:
    settled.play(50)
    lost(settled, "berlin-0")

    settled.settle()

    assert settled.directive is not None
    assert [one.name for one in settled.directive.nodes] == ["berlin-1"]
    assert condition(settled, "Degraded") == ("True", "MachineLost")


def heard(model: Model) -> Group:
    """See the group with every node on the line of an audio pod."""
    seen = model.group()
    fleets: dict[str, Fleet | None] = {}
    for name, fleet in seen.fleets.items():
        assert fleet is not None
        audio, *others = sorted(fleet.observed, key=lambda one: one.component)
        up = tuple(
            ObservedNode(name=one, players=n, connected=True) for one, n in model.players.items()
        )
        members = (msgspec.structs.replace(audio, nodes=up), *others)
        fleets[name] = dataclasses.replace(fleet, observed=members)
    return dataclasses.replace(seen, fleets=fleets)


def test_a_node_that_is_on_the_line_is_not_lost_though_its_machine_seems_so(
    settled: Model,
) -> None:
    settled.play(50)
    settled.settle()
    lost(settled, "berlin-0")

    plan = groups.reconcile(heard(settled), WORLD, now=settled.now)

    assert plan.actions == ()
    assert plan.status == settled.node_status


def test_whoever_swears_that_a_machine_is_out_of_service_is_believed(settled: Model) -> None:
    lost(settled, "berlin-0")
    machine = settled.machines["machine-berlin-0"]
    settled.machines["machine-berlin-0"] = dataclasses.replace(machine, out_of_service=True)

    plan = groups.reconcile(heard(settled), WORLD, now=settled.now)

    gone = [one for one in plan.actions if isinstance(one, Delete)]
    assert [(one.ref, one.unconfirmed) for one in gone] == [(Ref("Pod", "berlin-0"), True)]


def test_an_application_yml_that_breaks_the_music_is_refused_by_name(settled: Model) -> None:
    changed(
        settled,
        application_yml={"server": {"port": 80}, "lavalink": {"server": {"password": "x"}}},
    )

    settled.settle()

    ready = next(one for one in settled.node_status.conditions if one.type == "Ready")
    assert ready.reason == "ApplicationYmlRefused"
    assert "server.port, lavalink.server.password" in ready.message


def test_a_count_from_outside_is_followed_and_never_changed(settled: Model) -> None:
    changed(settled, minimum=None, maximum=None, replicas=3)
    settled.play(5)

    settled.settle()

    assert len(nodes(settled)) == 3
    assert condition(settled, "ScalingActive") == ("Unknown", "ReplicasSet")


def test_a_deleted_group_is_let_go_once_it_is_empty_and_at_its_deadline_at_last(
    settled: Model,
) -> None:
    settled.play(10)
    going = dataclasses.replace(settled.group(), deleting_since=settled.now)
    deadline = timedelta(seconds=settled.node_spec.drain.deadline_seconds) + groups.FAREWELL

    at_once = groups.reconcile(going, WORLD, now=settled.now)
    at_last = groups.reconcile(going, WORLD, now=settled.now + deadline)
    alone = groups.reconcile(dataclasses.replace(going, fleets={}), WORLD, now=settled.now)

    assert settled.finalizers == (names.FINALIZER,)
    assert at_once.actions == ()
    released = [[(one.ref, one.reason) for one in plan.actions] for plan in (at_last, alone)]
    assert released == [
        [(Ref("LavalinkNode", "berlin"), "its time is over")],
        [(Ref("LavalinkNode", "berlin"), "it is empty")],
    ]


def test_a_statefulset_that_cant_become_what_is_wanted_is_replaced_by_one_beside_it(
    settled: Model,
) -> None:
    settled.play(50)
    settled.settle()
    old = settled.children[Ref("StatefulSet", "berlin")]
    old["spec"]["podManagementPolicy"] = "OrderedReady"
    counts = set()

    for _ in range(60):
        settled.turn()
        counts.add(len(nodes(settled)))

    (there,) = [one for one in settled.children if one.kind == "StatefulSet"]
    assert there.name.startswith("berlin-")
    assert nodes(settled) == [f"{there.name}-0"]
    assert counts == {1, 2}
    assert settled.players == {f"{there.name}-0": 50}
    assert settled.directive is not None
    assert [one.url for one in settled.directive.nodes] == [
        f"http://{there.name}-0.berlin.music.svc:2333"
    ]
    assert settled.violations == []


def test_a_lost_node_that_waits_for_its_kubelet_for_ever_stays_replaced(settled: Model) -> None:
    settled.play(50)
    lost(settled, "berlin-0")
    settled.settle()
    settled.pods["berlin-0"]["metadata"]["deletionTimestamp"] = "2026-11-23T10:00:00Z"

    settled.settle()

    assert nodes(settled) == ["berlin-0", "berlin-1"]
    assert settled.node_status.nodes == "1/1"
    assert condition(settled, "Degraded") == ("True", "MachineLost")


def test_only_a_machine_out_of_service_has_its_pods_removed_unconfirmed(settled: Model) -> None:
    lost(settled, "berlin-0")
    settled.settle()
    machine = settled.machines["machine-berlin-0"]
    settled.machines["machine-berlin-0"] = dataclasses.replace(machine, out_of_service=True)

    plan = groups.reconcile(settled.group(), WORLD, now=settled.now)

    uid = settled.pods["berlin-0"]["metadata"]["uid"]
    assert Delete(Ref("Pod", "berlin-0"), groups.OUT_OF_SERVICE, True, uid) in plan.actions


@pytest.mark.parametrize("hidden", ["berlin", "berlin-2"])
@pytest.mark.parametrize("wanted", [None, ONE])
def test_no_node_that_plays_goes_because_no_list_shows_it(
    settled: Model, hidden: str, wanted: dict[str, object] | None
) -> None:
    settled.play(250)
    settled.settle()
    assert len(nodes(settled)) == 3
    if wanted:
        changed(settled, **wanted)

    settled.unseen = {hidden}
    plan = groups.reconcile(settled.group(), WORLD, now=settled.now)

    sizes = [
        one.manifest["spec"]["replicas"]
        for one in plan.actions
        if isinstance(one, Apply) and one.ref.kind == "StatefulSet"
    ]
    assert set(sizes) <= {3}


def test_a_deleted_group_waits_for_players_on_a_pod_that_no_list_shows(settled: Model) -> None:
    settled.play(10)
    settled.unseen = {"berlin-0"}
    going = dataclasses.replace(settled.group(), deleting_since=settled.now)

    assert groups.reconcile(going, WORLD, now=settled.now).actions == ()
