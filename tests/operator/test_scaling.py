from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato_operator import scaling
from legato_operator.resources.behaviour import Behaviour, Direction, Pace
from legato_operator.scaling import Decision, Measured, NoAnswer, NodeNeeds, Past, Policy, Wish

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
CALM = Past(answered_since=LONG_AGO)
NEEDS = NodeNeeds(players_per_node=100, free_slots=20, deficit_limit=60)
NOTHING = Measured(0)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def decide(count: int, current: int, past: Past = CALM, policy: Policy | None = None) -> Decision:
    return scaling.decide(policy or Policy(1, 20), current, Wish(count, "told"), past, now=NOW)


def test_more_are_started_at_once() -> None:
    assert decide(3, 2).count == 3


def test_up_goes_no_faster_than_four_pods_or_double_a_minute() -> None:
    assert decide(20, 1).count == 5
    assert decide(20, 1).reason == "HoldsPace"
    assert decide(20, 6).count == 12


def test_what_was_added_within_the_period_counts() -> None:
    first = decide(20, 1)

    second = scaling.decide(Policy(1, 20), first.count, Wish(20, "told"), first.past, now=after(30))
    third = scaling.decide(Policy(1, 20), first.count, Wish(20, "told"), first.past, now=after(61))

    assert second.count == 5
    assert third.count == 10


def test_fewer_come_one_a_minute_after_a_whole_window() -> None:
    assert decide(2, 5).count == 4
    assert decide(4, 5).reason == "FollowsLoad"


def test_the_greatest_wish_of_the_window_counts_on_the_way_down() -> None:
    past = Past(LONG_AGO, ((NOW - timedelta(seconds=200), 5),))

    decision = decide(2, 5, past)

    assert (decision.count, decision.reason) == (5, "HoldsWindow")


def test_the_least_wish_of_an_upward_window_counts_on_the_way_up() -> None:
    window = Behaviour(scale_up=Direction(stabilization_window_seconds=60))
    past = Past(LONG_AGO, ((NOW - timedelta(seconds=30), 3),))

    assert decide(9, 2, past, Policy(1, 20, window)).count == 3


@pytest.mark.parametrize("why", ["Empty", "Stale", "Partial", "Error", "NotAsked"])
def test_no_figure_holds_and_says_so(why: str) -> None:
    decision = scaling.decide(Policy(1, 20), 7, NoAnswer(why, "no figure"), CALM, now=NOW)  # type: ignore[arg-type]

    assert (decision.count, decision.reason, decision.active) == (7, "MetricsUnavailable", False)


def test_after_a_gap_nothing_goes_down_until_a_whole_window_was_answered() -> None:
    policy, count = Policy(1, 20), 7
    past = scaling.decide(policy, count, NoAnswer("Error"), CALM, now=NOW).past
    for seconds in range(15, 15 + 300, 15):
        decision = scaling.decide(policy, count, Wish(1, "few"), past, now=after(seconds))
        assert decision.count == count
        past = decision.past

    assert scaling.decide(policy, count, Wish(1, "few"), past, now=after(315)).count == 6


def test_a_group_at_its_ceiling_says_so() -> None:
    decision = decide(9, 3, policy=Policy(1, 3))

    assert (decision.count, decision.reason) == (3, "AtMaximum")
    assert "9 asked, 3 allowed" in decision.message


def test_a_group_at_its_floor_says_so() -> None:
    decision = decide(0, 3, policy=Policy(2, 9))

    assert (decision.count, decision.reason) == (2, "AtMinimum")


def test_disabled_never_changes_in_that_direction() -> None:
    still = Behaviour(scale_down=Direction(select_policy="Disabled"))

    assert decide(1, 5, policy=Policy(1, 20, still)).count == 5


def test_min_takes_the_most_careful_policy() -> None:
    both = (Pace(type="Pods", value=1), Pace(type="Percent", value=100))
    careful = Behaviour(scale_up=Direction(select_policy="Min", policies=both))

    assert decide(20, 4, policy=Policy(1, 20, careful)).count == 5


def wish(players: float, current: int, deficit: scaling.Answer = NOTHING) -> int | str:
    found = scaling.wish_for_nodes(NEEDS, current, players=Measured(players), deficit=deficit)
    return found.count if isinstance(found, Wish) else found.why


def test_nodes_are_enough_for_the_players_and_the_free_places() -> None:
    assert wish(0, 1) == 1
    assert wish(79, 1) == 1
    assert wish(81, 1) == 2
    assert wish(250, 1) == 3


def test_a_load_near_what_fits_changes_nothing() -> None:
    needs = NodeNeeds(players_per_node=100, free_slots=0, deficit_limit=60)

    near = scaling.wish_for_nodes(needs, 3, players=Measured(325), deficit=NOTHING)

    assert isinstance(near, Wish)
    assert near.count == 3


def test_each_direction_has_a_tolerance_of_its_own() -> None:
    eager = Behaviour(scale_up=Direction(tolerance_percent=0))
    patient = Behaviour(scale_down=Direction(tolerance_percent=50))

    def pods(players: float, behaviour: Behaviour) -> int:
        tolerance = scaling.Tolerance.of(behaviour)
        wish = scaling.wish_for_pods(10, 4, players=Measured(players), tolerance=tolerance)
        assert isinstance(wish, Wish)
        return wish.count

    assert [pods(41, one) for one in (eager, patient)] == [5, 4]
    assert [pods(25, one) for one in (eager, patient)] == [3, 4]


def test_missed_frames_ask_for_one_more_and_keep_what_is_there() -> None:
    assert wish(10, 3, Measured(61)) == 4
    assert wish(10, 3, Measured(31)) == 3
    assert wish(10, 3, Measured(30)) == 1


def test_nodes_are_not_counted_by_half_an_answer() -> None:
    assert wish(1000, 3, NoAnswer("Partial")) == "Partial"


wishes = st.one_of(
    st.integers(0, 50).map(lambda count: Wish(count, "told")),
    st.sampled_from(["Empty", "Stale", "Partial", "Error"]).map(NoAnswer),  # type: ignore[arg-type]
)


@given(
    st.integers(1, 10),
    st.integers(0, 10),
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(1, 120), wishes), max_size=40),
)
def test_the_bounds_hold_and_unknown_load_changes_nothing(
    minimum: int, more: int, start: int, told: list[tuple[int, Wish | NoAnswer]]
) -> None:
    policy, count, past, now = Policy(minimum, minimum + more), start, Past(), NOW
    answered: list[datetime] = []
    for seconds, one in told:
        now += timedelta(seconds=seconds)
        decision = scaling.decide(policy, count, one, past, now=now)

        assert policy.minimum <= decision.count <= policy.maximum
        within = policy.minimum <= count <= policy.maximum
        if isinstance(one, NoAnswer):
            assert decision.count == count or not within
            answered = []
        else:
            answered.append(now)
        if decision.count < count and within:
            assert now - answered[0] >= scaling.DOWN_WINDOW
        count, past = decision.count, decision.past
