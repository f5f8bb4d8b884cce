from legato.repeats import KNOWN, Repeats


def test_the_first_few_equal_lines_are_said_then_one_now_and_then():
    repeats = Repeats(at_once=2, every=32)

    said = [repeats.admit("away", now=float(now)) for now in range(65)]

    assert [now for now, left_out in enumerate(said) if left_out is not None] == [0, 1, 32, 64]
    assert (said[32], said[64]) == (30, 31)


def test_a_line_that_was_not_said_for_long_may_be_said_as_often_as_at_first():
    repeats = Repeats(at_once=2, every=30)
    assert [repeats.admit("away", now=0.0) for _ in range(3)] == [0, 0, None]

    assert [repeats.admit("away", now=60.0) for _ in range(3)] == [1, 0, None]


def test_lines_do_not_speak_for_each_other():
    repeats = Repeats(at_once=1, every=30)

    assert [repeats.admit(line, now=0.0) for line in ("one", "other", "one")] == [0, 0, None]


def test_what_is_remembered_is_bounded():
    repeats = Repeats(at_once=1, every=30)
    repeats.admit("first", now=0.0)
    for number in range(KNOWN):
        repeats.admit(number, now=0.0)

    assert repeats.admit("first", now=0.0) == 0
