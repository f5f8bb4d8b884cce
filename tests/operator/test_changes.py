"""Whatever happens: what must never be, and what must be in the end."""

from datetime import timedelta

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from legato_operator import bots, groups
from legato_operator.changes import Plan
from legato_operator.resources.musicbot import Region
from legato_operator.resources.shared import LabelSelector
from legato_operator.resources.status import NodeStatus, Progress
from legato_operator.seen import Machine
from support_operator_model import WORLD, Model, changed, condition, deployments

UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""A model that fails after many turns takes minutes to be made smaller."""
SURGE = 1
"""Nodes above the maximum while others are replaced."""


@settings(max_examples=10, deadline=None, phases=UNSHRUNK)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("play"), st.integers(0, 500)),
            st.tuples(st.just("version"), st.integers(0, 3)),
            st.tuples(st.just("nodes"), st.integers(0, 3)),
            st.tuples(st.just("rotate"), st.integers(0, 3)),
            st.tuples(st.just("redis"), st.integers(0, 1)),
            st.tuples(st.just("prometheus"), st.integers(0, 1)),
            st.tuples(st.just("machine"), st.integers(0, 3)),
            st.tuples(st.just("pause"), st.integers(0, 1)),
            st.tuples(st.just("other nodes"), st.integers(0, 1)),
            st.tuples(st.just("unseen child"), st.integers(0, 1)),
            st.tuples(st.just("unseen pod"), st.integers(0, 3)),
            st.tuples(st.just("turns"), st.integers(1, 12)),
        ),
        max_size=12,
    )
)
def test_whatever_happens_nothing_that_plays_is_removed_and_it_settles(
    events: list[tuple[str, int]],
) -> None:
    model = Model()
    for what, value in [("turns", 8), *events]:
        happen(model, what, value)
        for _ in range(value if what == "turns" else 1):
            model.turn()
            assert model.violations == []
            assert_bounded(model)
    model.redis = model.prometheus = True
    model.machines.clear()
    model.unseen.clear()
    happen(model, "other nodes", 0)
    happen(model, "pause", 0)
    model.settle()

    assert model.violations == []
    assert condition(model, "Ready")[0] == "True"
    assert len(deployments(model, "gateway")) == len(deployments(model, "audio")) == 1
    there = [one for one in model.pods if one.startswith("berlin-")]
    assert len(there) == model.node_status.desired_replicas
    # What was done is all that was to be done.
    for plan in (
        bots.reconcile(model.bot(), WORLD, now=model.now),
        groups.reconcile(model.group(), WORLD, now=model.now),
    ):
        assert plan.actions == ()


def test_a_node_that_no_list_shows_before_it_answers_is_not_taken_away_as_people_come() -> None:
    """Found by the test above."""
    model = Model()
    events = [("turns", 8), ("play", 384), ("turns", 1), ("unseen pod", 3), ("turns", 8)]
    for what, value in events:
        happen(model, what, value)
        model.turns(value if what == "turns" else 1)

    assert model.violations == []


def assert_bounded(model: Model) -> None:
    spec = model.node_spec
    wanted = model.node_status.desired_replicas
    assert (spec.minimum or 0) <= wanted <= (spec.maximum or 0)
    there = [one for one in model.pods if one.startswith("berlin-")]
    assert len(there) <= (spec.maximum or 0) + SURGE


def happen(model: Model, what: str, value: int) -> None:
    match what:
        case "play":
            model.play(value)
        case "version":
            changed(model, version=f"1.{value}.0")
        case "nodes":
            model.node_spec = msgspec.structs.replace(model.node_spec, version=f"4.2.{value}")
        case "rotate":
            model.node_spec = msgspec.structs.replace(model.node_spec, rotation=value)
        case "redis":
            model.redis = bool(value)
        case "prometheus":
            model.prometheus = bool(value)
        case "pause":
            changed(model, paused=bool(value))
            model.node_spec = msgspec.structs.replace(model.node_spec, paused=bool(value))
        case "other nodes":
            chosen = LabelSelector(match_labels={"place": "elsewhere"} if value else {})
            changed(model, regions=(Region(name="europe", lavalink_nodes=chosen),))
        case "unseen child":
            model.unseen ^= {"berlin"} if value else set()
        case "unseen pod":
            model.unseen ^= {f"berlin-{value}"}
        case "machine":
            model.machines[f"machine-berlin-{value}"] = Machine(cordoned=True)


def test_what_is_under_way_is_looked_at_soon_as_nobody_watches_redis() -> None:
    usual = timedelta(seconds=30)
    under_way = NodeStatus(in_progress=(Progress(what="drains berlin-0"),))

    assert Plan(status=under_way, again=usual).next_look == timedelta(seconds=3)
    assert Plan(status=under_way, again=timedelta(seconds=1)).next_look == timedelta(seconds=1)
    assert Plan(status=NodeStatus(), again=usual).next_look == usual
    assert Plan(again=usual).next_look == usual
    assert Plan(again=usual, coming=True).next_look == timedelta(seconds=3)
