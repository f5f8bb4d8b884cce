from datetime import UTC, datetime, timedelta

import pytest

from legato_operator import answers
from legato_operator.answers import Sample
from legato_operator.scaling import Measured, NoAnswer

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FOUND = [
    Sample({"pod": "a-0", "region": "europe"}, 3),
    Sample({"pod": "a-1", "region": "europe"}, 4),
    Sample({"pod": "b-0", "region": "asia"}, 9),
]


def test_series_are_added_up() -> None:
    assert answers.total(FOUND, ["a-0", "a-1"]) == Measured(16)


def test_the_greatest_is_taken() -> None:
    assert answers.greatest(FOUND) == Measured(9)


def test_a_region_has_its_own_series() -> None:
    assert answers.total(answers.of_region(FOUND, "europe")) == Measured(7)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([], "Empty"),
        (answers.of_region(FOUND, "america"), "Empty"),
        (NoAnswer("Stale"), "Stale"),
        ([Sample({}, float("nan"))], "Error"),
        ([Sample({}, float("inf"))], "Error"),
    ],
)
def test_what_is_no_figure_stays_none(found: answers.Found, why: str) -> None:
    for read in (answers.total(found), answers.greatest(found)):
        assert isinstance(read, NoAnswer)
        assert read.why == why


def test_an_answer_that_lacks_a_pod_is_partial() -> None:
    assert answers.total(FOUND, ["a-0", "a-2"]) == NoAnswer(
        "Partial", "Prometheus has no figure of a-2"
    )


def test_an_answer_that_names_no_pods_can_lack_none() -> None:
    assert answers.total([Sample({}, 5)], ["a-0"]) == Measured(5)


def test_only_pods_that_are_ready_for_long_are_expected() -> None:
    def pod(name: str, ready: str, ago: timedelta) -> dict[str, object]:
        since = (NOW - ago).isoformat()
        said = {"type": "Ready", "status": ready, "lastTransitionTime": since}
        return {"metadata": {"name": name}, "status": {"conditions": [said]}}

    pods = [
        pod("old", "True", timedelta(minutes=3)),
        pod("young", "True", timedelta(minutes=1)),
        pod("broken", "False", timedelta(minutes=3)),
    ]

    assert answers.settled(pods, now=NOW) == {"old"}
