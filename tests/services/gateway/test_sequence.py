from hypothesis import given
from hypothesis import strategies as st

from legato.gateway.sequence import Sequence


@given(st.permutations(range(1, 30)))
def test_done_is_always_the_highest_number_without_a_gap_below(order):
    sequence = Sequence()
    for number in range(1, 30):
        sequence.begin(number)

    ended = set()
    for number in order:
        sequence.end(number)
        ended.add(number)
        expected = next(n for n in range(31) if n + 1 not in ended)
        assert sequence.done == expected
        assert sequence.waiting == 29 - expected


def test_numbers_may_have_holes_of_their_own():
    sequence = Sequence(10)
    sequence.begin(12)
    sequence.begin(15)

    assert sequence.end(12)
    assert sequence.done == 12
    sequence.end(15)
    assert sequence.done == 15


def test_a_repeat_is_not_waited_for_again():
    sequence = Sequence(5)
    sequence.begin(5)
    sequence.begin(3)

    assert sequence.waiting == 0
    assert not sequence.end(3)
    assert sequence.done == 5
