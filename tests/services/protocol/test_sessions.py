from datetime import timedelta

from legato.protocol.sessions import Search, judge

PATIENCE = timedelta(seconds=75)


def test_a_session_that_another_holds_is_waited_for_but_not_for_ever() -> None:
    search, first = judge(Search(), is_open=True, now=100.0, patience=PATIENCE)
    search, later = judge(search, is_open=True, now=174.9, patience=PATIENCE)
    _, last = judge(search, is_open=True, now=175.0, patience=PATIENCE)

    assert (first, later, last) == ("ask again", "ask again", "begin anew")


def test_a_session_that_is_free_is_asked_for_once_more() -> None:
    search, first = judge(Search(), is_open=False, now=0.0, patience=PATIENCE)
    _, second = judge(search, is_open=False, now=0.1, patience=PATIENCE)

    assert (first, second) == ("ask again", "begin anew")


def test_a_session_that_was_held_and_is_free_now_is_asked_for_once_more() -> None:
    search, _ = judge(Search(), is_open=True, now=0.0, patience=PATIENCE)
    _, verdict = judge(search, is_open=False, now=5.0, patience=PATIENCE)

    assert verdict == "ask again"
