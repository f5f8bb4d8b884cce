from hypothesis import given
from hypothesis import strategies as st

from legato_simulator.sessions import Session, Sessions


def session(keep: int = 10) -> Session:
    return Session(1, (0, 1), 0, keep=keep)


@given(keep=st.integers(1, 20), sent=st.integers(0, 40), seq=st.integers(-5, 50))
def test_what_can_be_resumed_is_replayed_without_a_gap(keep: int, sent: int, seq: int) -> None:
    one = session(keep)
    for number in range(sent):
        one.append("EVENT", {"number": number})

    if one.can_resume(seq):
        replayed = []
        while (event := one.after(seq)) is not None:
            replayed.append(event.seq)
            seq = event.seq
        assert replayed == list(range(sent - len(replayed) + 1, sent + 1))
        assert len(replayed) <= keep
    else:
        assert seq < 0 or seq > sent or sent - seq > keep


def test_only_sessions_that_nobody_resumed_expire() -> None:
    sessions, left, connected = Sessions(), session(), session()
    left.left_at = 10.0
    for each in (left, connected):
        sessions.add(each)

    assert sessions.expired(now=40.0, ttl=30.0) == []
    assert sessions.expired(now=40.1, ttl=30.0) == [left]
