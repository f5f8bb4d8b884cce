import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato_operator import rollout
from legato_operator.rollout import Goal, Holdings, Pod, Revision
from legato_operator.verdicts import Verdict

GOAL = Goal("new", 2, max_handovers=2)


def revision(name: str, *ready: bool) -> Revision:
    pods = tuple(Pod(f"{name}-{place}", one) for place, one in enumerate(ready))
    return Revision(f"bot-{name}", name, len(ready), pods)


OLD = revision("old", True, True)


def held(total: int = 16, **counts: int) -> Holdings:
    return Holdings({name.replace("_", "-"): count for name, count in counts.items()}, total)


def test_a_first_revision_simply_comes() -> None:
    assert rollout.step(GOAL, [], None).replicas == {"new": 2}


def test_nothing_comes_before_its_gates() -> None:
    step = rollout.step(GOAL, [OLD], held(), [Verdict("MigrationDone", ok=False, why="runs")])

    assert step.replicas == {"old": 2}
    assert str(step.blocked) == "MigrationDone: runs"


def test_new_pods_come_beside_the_old_ones_without_a_share() -> None:
    coming = revision("new", True, False)

    step = rollout.step(GOAL, [OLD, coming], held(old_0=8, old_1=8))

    assert step.replicas == {"old": 2, "new": 2}
    assert step.weights == {"new-0": 0, "new-1": 0}
    assert str(step.blocked) == "NewPodsReady: 1 of 2 answer"


def test_once_all_answer_the_old_ones_share_becomes_nothing() -> None:
    come = revision("new", True, True)

    step = rollout.step(GOAL, [OLD, come], held(old_0=8, old_1=8, new_0=0, new_1=0))

    assert step.weights == {"old-0": 0, "old-1": 0}
    assert step.handovers == 2
    assert str(step.blocked) == "OldHoldNothing: 16 are to be handed over"


def test_the_old_ones_go_once_they_hold_nothing() -> None:
    come = revision("new", True, True)

    step = rollout.step(GOAL, [OLD, come], held(old_0=0, old_1=0, new_0=8, new_1=8))

    assert step.replicas == {"new": 2}
    assert step.blocked is None


def test_a_silent_old_pod_keeps_its_revision_until_others_hold_everything() -> None:
    come = revision("new", True, True)

    silent = rollout.step(GOAL, [OLD, come], held(old_0=0, new_0=8, new_1=7))
    taken = rollout.step(GOAL, [OLD, come], held(old_0=0, new_0=8, new_1=8))

    assert silent.replicas == {"old": 2, "new": 2}
    assert taken.replicas == {"new": 2}


def test_nothing_moves_further_while_too_few_are_held() -> None:
    come = revision("new", True, True)

    step = rollout.step(GOAL, [OLD, come], held(total=100, old_0=40, new_0=30, new_1=20))

    assert step.handovers == 0
    assert str(step.blocked) == "Resumed: 90 of 100 are held"


def test_a_new_pod_that_dies_midway_stops_the_rollout_and_lets_anyone_take_what_it_left() -> None:
    dying = revision("new", True, False)

    step = rollout.step(GOAL, [OLD, dying], held(old_0=4, old_1=4, new_0=4, new_1=4))

    assert step.replicas == {"old": 2, "new": 2}
    assert (step.weights, step.handovers) == ({}, 0)


def test_what_redis_does_not_say_holds_the_rollout() -> None:
    step = rollout.step(GOAL, [OLD, revision("new", True, True)], None)

    assert step.replicas == {"old": 2, "new": 2}
    assert str(step.blocked) == "ControlPlaneReachable: Redis does not answer"


def test_fewer_pods_are_emptied_before_the_count_shrinks() -> None:
    three = revision("new", True, True, True)

    busy = rollout.step(GOAL, [three], held(new_0=6, new_1=5, new_2=5))
    empty = rollout.step(GOAL, [three], held(new_0=8, new_1=8, new_2=0))

    assert (busy.replicas, busy.weights) == ({"new": 3}, {"new-2": 0})
    assert busy.leaving == empty.leaving == ("new-2",)
    assert empty.replicas == {"new": 2}


def test_a_gate_that_closes_midway_moves_nothing_on_nor_back() -> None:
    come = revision("new", True, True)
    gate = Verdict("IdentifyBudget", ok=False)

    step = rollout.step(GOAL, [OLD, come], held(old_0=8, new_0=8), [gate])

    assert (step.replicas, step.weights, step.handovers) == ({"old": 2, "new": 2}, {}, 0)


def test_where_all_is_as_wanted_no_gate_matters() -> None:
    gate = Verdict("IdentifyBudget", ok=False)

    step = rollout.step(GOAL, [revision("new", True, True)], held(), [gate])

    assert step.blocked is None


def test_what_is_held_without_a_session_is_not_resumed() -> None:
    come = revision("new", True, True)
    some = Holdings({"old-0": 50, "new-0": 50}, 100, live=90)

    step = rollout.step(GOAL, [OLD, come], some)

    assert str(step.blocked) == "Resumed: 90 of 100 have a session"
    assert step.handovers == 0


def rolled(shards: int, live: int, *, old: int, long: bool = False) -> rollout.Step:
    come = revision("new", True, True)
    some = Holdings({"old-0": old, "new-0": shards - old}, shards, live=live, lacks_long=long)
    return rollout.step(GOAL, [OLD, come], some)


@pytest.mark.parametrize(("shards", "live"), [(1, 0), (2, 1), (16, 14), (16, 15), (100, 95)])
def test_what_is_handed_over_right_now_stops_nothing(shards: int, live: int) -> None:
    assert rolled(shards, live, old=shards).handovers == GOAL.max_handovers


@pytest.mark.parametrize(("shards", "live"), [(1, 0), (2, 1), (16, 15), (19, 18), (200, 189)])
def test_what_has_not_resumed_for_longer_than_a_hand_over_takes_stops_it(
    shards: int, live: int
) -> None:
    step = rolled(shards, live, old=shards, long=True)

    assert step.handovers == 0
    assert str(step.blocked) == f"Resumed: {live} of {shards} have a session"


@pytest.mark.parametrize(("shards", "live"), [(20, 19), (100, 95), (200, 190)])
def test_no_more_than_one_in_twenty_may_lack_for_long(shards: int, live: int) -> None:
    assert rolled(shards, live, old=shards, long=True).handovers == GOAL.max_handovers


@pytest.mark.parametrize("shards", [1, 2, 16])
def test_the_old_ones_stay_until_the_last_shard_has_resumed(shards: int) -> None:
    step = rolled(shards, shards - 1, old=0)

    assert step.replicas == {"old": 2, "new": 2}
    assert str(step.blocked) == f"Resumed: {shards - 1} of {shards} have a session"


@given(st.integers(1, 300), st.data())
def test_below_95_percent_for_long_nothing_moves(shards: int, data: st.DataObject) -> None:
    live = data.draw(st.integers(0, shards))
    step = rolled(shards, live, old=data.draw(st.integers(0, shards)), long=True)

    assert (step.handovers == 0) == (live * 100 < shards * 95)


PODS = st.lists(st.booleans(), max_size=3)


@given(
    st.dictionaries(st.sampled_from(["older", "old", "new"]), PODS),
    st.none() | st.dictionaries(st.integers(0, 8), st.integers(0, 9)),
    st.integers(1, 3),
    st.booleans(),
)
def test_what_holds_anything_is_never_taken_away(
    there: dict[str, list[bool]], counts: dict[int, int] | None, count: int, opens: bool
) -> None:
    seen = [revision(name, *ready) for name, ready in there.items()]
    members = [pod.name for one in seen for pod in one.pods]
    holdings = None
    if counts is not None:
        some = {members[place]: held for place, held in counts.items() if place < len(members)}
        holdings = Holdings(some, 16)

    gates = [] if opens else [Verdict("MigrationDone", ok=False)]
    step = rollout.step(Goal("new", count, max_handovers=2), seen, holdings, gates)

    for one in seen:
        left = step.replicas.get(one.revision, 0)
        # Kubernetes ends those that are marked as leaving, or any where the whole revision goes.
        gone = [pod.name for pod in one.pods] if left == 0 else step.leaving
        if left < one.replicas:
            assert holdings is not None
            assert not any(holdings.held.get(name, 0) for name in gone if name in members)
