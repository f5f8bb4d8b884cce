from benchmarks.pods import absences
from legato_simulator.recorder import SessionEvent


def event(at: float, kind: str, shard: int | None) -> SessionEvent:
    place = None if shard is None else (shard, 16)
    return SessionEvent(at=at, kind=kind, session_id="s", shard=place, detail="")


def test_a_shard_is_absent_from_its_disconnection_to_its_resume() -> None:
    events = [event(1.0, "disconnected", 3), event(1.25, "resumed", 3)]

    assert absences(events, until_=9.0) == {3: 0.25}


def test_a_session_that_another_connection_resumes_is_never_absent() -> None:
    events = [event(1.0, "replaced", 3), event(1.0, "resumed", 3), event(2.0, "refused", None)]

    assert absences(events, until_=9.0) == {}


def test_a_session_that_ends_is_absent_until_the_next_begins() -> None:
    events = [
        event(1.0, "disconnected", 3),
        event(2.0, "ended", 3),
        event(2.5, "disconnected", 4),
        event(4.0, "identified", 3),
    ]

    assert absences(events, until_=9.0) == {3: 3.0, 4: 6.5}


def test_absences_of_a_shard_add_up() -> None:
    gone = [event(1.0, "disconnected", 0), event(1.5, "resumed", 0)]
    again = [event(3.0, "disconnected", 0), event(3.25, "resumed", 0)]

    assert absences([*gone, *again], until_=9.0) == {0: 0.75}
