import pytest

from legato.gateway.shedding import Bounds, way

BOUNDS = Bounds(defer_above=2, refuse_above=4)


@pytest.mark.parametrize(
    ("opened", "expected"),
    [(1, "take"), (2, "take"), (3, "defer"), (4, "defer"), (5, "refuse"), (500, "refuse")],
)
def test_time_is_bought_first_and_people_are_turned_away_last(opened, expected):
    assert way(opened, BOUNDS) == expected
