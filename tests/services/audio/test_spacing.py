from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from legato.audio.spacing import Spacing


def test_who_comes_alone_takes_its_moment() -> None:
    spacing = Spacing(timedelta(milliseconds=100))

    assert spacing.after(5.0) == 5.0
    assert spacing.after(7.0) == 7.0


@given(st.lists(st.floats(min_value=0, max_value=1000), min_size=2))
def test_no_two_moments_are_nearer_and_none_is_too_early(wanted: list[float]) -> None:
    spacing = Spacing(timedelta(seconds=1))

    taken = [spacing.after(each) for each in wanted]

    assert all(b - a >= 0.999 for a, b in pairwise(taken))
    assert all(a >= each for a, each in zip(taken, wanted, strict=True))
