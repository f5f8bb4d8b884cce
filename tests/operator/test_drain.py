import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato_operator import drain
from legato_operator.drain import Goal, Node
from legato_operator.verdicts import Verdict


def node(ordinal: int, players: int | None = 0, **more: object) -> Node:
    said: dict[str, object] = {"revision": "new", "ready": True} | more
    return Node(ordinal=ordinal, players=players, **said)  # type: ignore[arg-type]


GOAL = Goal("new", 2)


def test_nodes_that_are_as_wanted_are_left_alone() -> None:
    plan = drain.plan(GOAL, [node(0, 5), node(1, 5)], 2)

    assert plan == drain.Plan(2, {})


def test_more_come_at_once() -> None:
    assert drain.plan(Goal("new", 4), [node(0), node(1)], 2).replicas == 4


def test_fewer_go_from_the_top_and_only_once_they_are_empty() -> None:
    busy = drain.plan(GOAL, [node(0), node(1), node(2, 3, cordoned=True)], 3)
    fresh = drain.plan(GOAL, [node(0), node(1), node(2, 0, cordoned=False)], 3)
    empty = drain.plan(GOAL, [node(0), node(1), node(2, 0, cordoned=True)], 3)

    assert busy.draining == {2: "fewer are wanted"}
    assert (busy.replicas, fresh.replicas, empty.replicas) == (3, 3, 2)
    assert empty.unprotect == (2,)


@pytest.mark.parametrize("players", [3, None])
def test_past_its_deadline_a_node_goes_with_whoever_is_left(players: int | None) -> None:
    left = node(2, players, cordoned=True)

    waits = drain.plan(GOAL, [node(0), node(1), left], 3)
    goes = drain.plan(GOAL, [node(0), node(1), dataclasses.replace(left, overdue=True)], 3)

    assert (waits.replicas, waits.unprotect) == (3, ())
    assert (goes.replicas, goes.unprotect) == (2, (2,))
    assert "the deadline of its drain has passed" in goes.draining[2]


def test_past_their_deadline_nodes_are_still_replaced_one_by_one() -> None:
    old = [node(n, 3, revision="old", cordoned=True, overdue=True) for n in (0, 1)]

    assert drain.plan(GOAL, [*old, node(2)], 3).delete == (0,)


def test_a_deadline_that_passed_ends_no_node_that_stays_after_all() -> None:
    plan = drain.plan(GOAL, [node(0), node(1, 3, cordoned=True, overdue=True)], 2)

    assert plan == drain.Plan(2, {})


def test_a_node_whose_pod_is_not_seen_stays_while_somebody_may_play_there() -> None:
    unseen = Goal("new", 1, unseen=(2,))

    assert drain.plan(unseen, [node(0), node(1)], 3).replicas == 3
    assert drain.plan(GOAL, [node(0), node(1)], 3).replicas == 2


def test_a_drain_is_undone_when_the_load_returns() -> None:
    plan = drain.plan(Goal("new", 3), [node(0), node(1), node(2, 3, cordoned=True)], 3)

    assert plan == drain.Plan(3, {})


def test_another_revision_takes_a_surge_and_then_one_node_after_the_other() -> None:
    nodes = [node(0, 3, revision="old"), node(1, 3, revision="old")]

    surge = drain.plan(GOAL, nodes, 2)
    first = drain.plan(GOAL, [*nodes, node(2)], 3)

    assert (surge.replicas, surge.draining) == (3, {})
    assert [str(one) for one in surge.verdicts if not one.ok] == [
        "OthersReady: 1 of 2 others answer"
    ]
    assert first.draining == {0: "it is of an older revision"}
    assert first.delete == ()


def test_an_empty_node_of_an_older_revision_is_replaced() -> None:
    nodes = [node(0, 0, revision="old", cordoned=True), node(1, 3, revision="old"), node(2, 3)]

    plan = drain.plan(GOAL, nodes, 3)

    assert (plan.delete, plan.unprotect, plan.replicas) == ((0,), (0,), 3)


def test_the_next_waits_until_the_one_before_answers() -> None:
    nodes = [node(0, ready=False), node(1, 3, revision="old"), node(2, 3)]

    plan = drain.plan(GOAL, nodes, 3)

    assert plan.draining == {}
    assert [one.name for one in plan.verdicts if not one.ok] == ["OthersReady"]


def test_the_surge_goes_at_the_end() -> None:
    plan = drain.plan(GOAL, [node(0, 3), node(1, 3), node(2, 0, cordoned=True)], 3)

    assert plan.replicas == 2


def test_a_drained_machines_node_is_emptied_beside_a_surge_and_may_then_be_evicted() -> None:
    busy = drain.plan(GOAL, [node(0, 3, machine_leaves=True), node(1)], 2)
    empty = drain.plan(GOAL, [node(0, machine_leaves=True, cordoned=True), node(1), node(2)], 3)

    assert (busy.replicas, busy.draining) == (3, {0: "its machine is drained"})
    assert (empty.unprotect, empty.delete) == ((0,), ())


def test_never_means_that_a_drained_machines_node_stays() -> None:
    plan = drain.plan(Goal("new", 2, "Never"), [node(0, machine_leaves=True), node(1)], 2)

    assert plan == drain.Plan(2, {})


def test_a_lost_node_is_written_off_and_replaced_at_once() -> None:
    plan = drain.plan(GOAL, [node(0, 5, lost=True, ready=False), node(1)], 2)

    assert (plan.written_off, plan.replicas, plan.delete) == ((0,), 3, ())


def test_nothing_rolls_while_a_gate_forbids() -> None:
    away = Verdict("ControlPlaneReachable", ok=False)
    nodes = [node(0, revision="old"), node(1), node(2)]

    plan = drain.plan(GOAL, nodes, 3, [away])

    assert (plan.draining, plan.replicas) == ({}, 3)


def test_what_stays_after_all_is_protected_again() -> None:
    assert drain.plan(GOAL, [node(0, protected=False), node(1)], 2).protect == (0,)


nodes_there = st.lists(
    st.builds(
        Node,
        ordinal=st.just(0),
        revision=st.sampled_from(["old", "new"]),
        ready=st.booleans(),
        players=st.one_of(st.none(), st.integers(0, 3)),
        cordoned=st.booleans(),
        overdue=st.booleans(),
        protected=st.booleans(),
        machine_leaves=st.booleans(),
        lost=st.booleans(),
        asked=st.booleans(),
    ),
    max_size=8,
).map(lambda found: [_numbered(one, place) for place, one in enumerate(found)])


def _numbered(one: Node, ordinal: int) -> Node:
    return dataclasses.replace(one, ordinal=ordinal)


@given(
    nodes_there,
    st.integers(0, 8),
    st.integers(0, 3),
    st.sampled_from(["Never", "OnUpgrade", "Always"]),
)
def test_nothing_that_may_play_is_removed_or_left_unprotected_before_its_deadline(
    there: list[Node], count: int, more: int, eviction: drain.Eviction
) -> None:
    replicas = len(there) + more

    plan = drain.plan(Goal("new", count, eviction), there, replicas)

    waited_for = [one for one in there if not one.overdue]
    busy = {one.ordinal for one in waited_for if one.players != 0 or not one.cordoned}
    assert busy.isdisjoint(plan.delete)
    assert busy.isdisjoint(plan.unprotect)
    assert busy.isdisjoint(range(plan.replicas, replicas))
    assert len(plan.delete) <= 1
    assert set(plan.delete) <= set(plan.draining)


def test_a_node_that_was_told_to_end_loses_its_players_and_is_not_ended_twice() -> None:
    nodes = [node(0, 3, ending=True, ready=False), node(1), node(2)]

    plan = drain.plan(GOAL, nodes, 3)

    assert plan.draining == {0: "its pod was told to end"}
    assert (plan.replicas, plan.delete) == (3, ())


def test_a_surplus_node_that_ends_brings_no_other() -> None:
    ending = [node(0), node(1), node(2, cordoned=True, ending=True, revision="old")]

    assert drain.plan(GOAL, ending, 2).replicas == 2


def test_the_surge_stays_until_the_last_replaced_node_answers() -> None:
    between = drain.plan(GOAL, [node(1), node(2, 5)], 3)
    starting = drain.plan(GOAL, [node(0, ready=False), node(1), node(2, 5)], 3)

    assert (between.draining, starting.draining) == ({}, {})
    assert (between.replicas, starting.replicas) == (3, 3)


def test_a_lost_node_is_buried_only_when_somebody_swears_that_its_machine_is_out_of_service() -> (
    None
):
    lost = drain.plan(GOAL, [node(0, 5, lost=True, ready=False), node(1)], 3)
    sworn = drain.plan(GOAL, [node(0, 5, lost=True, ready=False, gone=True), node(1)], 3)

    assert (lost.bury, sworn.bury) == ((), (0,))
    assert lost.replicas == sworn.replicas == 3
