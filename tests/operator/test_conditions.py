from datetime import UTC, datetime, timedelta

from legato_operator import conditions
from legato_operator.verdicts import Verdict

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_a_condition_keeps_since_when_it_is_so() -> None:
    first = conditions.merged((), [conditions.yes("Ready", "Fine")], generation=1, now=NOW)

    second = conditions.merged(
        first,
        [conditions.yes("Ready", "StillFine")],
        generation=2,
        now=NOW + timedelta(minutes=1),
    )
    third = conditions.merged(
        second, [conditions.no("Ready", "Broken")], generation=2, now=NOW + timedelta(minutes=2)
    )

    assert second[0].last_transition_time == first[0].last_transition_time == "2026-11-23T10:00:00Z"
    assert (second[0].reason, second[0].observed_generation) == ("StillFine", 2)
    assert third[0].last_transition_time == "2026-11-23T10:02:00Z"


def test_a_rollout_names_the_predicate_that_it_waits_for() -> None:
    said = conditions.blocked([Verdict("A", ok=True), Verdict("B", ok=False, why="not yet")])

    assert (said.status, said.reason, said.message) == ("True", "B", "B: not yet")
    assert conditions.blocked([Verdict("A", ok=True)]).status == "False"
