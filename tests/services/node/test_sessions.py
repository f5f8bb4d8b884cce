from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from legato.node.sessions import Sessions

TIMEOUT = 60.0


def test_a_closed_session_that_may_resume_gives_what_was_missed() -> None:
    sessions = Sessions(timeout=TIMEOUT)
    session = sessions.open(1, "7", wanted=None, fresh="a").session
    sessions.configure(session, resuming=True, timeout=None)
    sessions.close(1, now=0)
    sessions.emit(session, b"event", keep=True)
    sessions.emit(session, b"update", keep=False)

    opened = sessions.open(2, "7", wanted="a", fresh="b")

    assert (opened.resumed, opened.session.id, opened.missed) == (True, "a", (b"event",))


def test_a_session_whose_socket_is_open_is_not_taken() -> None:
    sessions = Sessions(timeout=TIMEOUT)
    sessions.configure(
        sessions.open(1, "7", wanted=None, fresh="a").session, resuming=True, timeout=None
    )

    opened = sessions.open(2, "7", wanted="a", fresh="b")

    assert (opened.resumed, opened.session.id) == (False, "b")
    assert sessions.visible("a") is not None


def test_another_user_does_not_get_a_session() -> None:
    sessions = Sessions(timeout=TIMEOUT)
    sessions.configure(
        sessions.open(1, "7", wanted=None, fresh="a").session, resuming=True, timeout=None
    )
    sessions.close(1, now=0)

    assert not sessions.open(2, "8", wanted="a", fresh="b").resumed


def test_a_waiting_session_is_not_visible_and_ends_in_time() -> None:
    sessions = Sessions(timeout=TIMEOUT)
    session = sessions.open(1, "7", wanted=None, fresh="a").session
    sessions.configure(session, resuming=True, timeout=5)

    assert sessions.close(1, now=100) is None
    assert sessions.visible("a") is None
    assert sessions.expire(now=104) == []
    assert sessions.expire(now=105) == [session]


def test_without_resuming_a_session_ends_with_its_socket() -> None:
    sessions = Sessions(timeout=TIMEOUT)
    session = sessions.open(1, "7", wanted=None, fresh="a").session

    assert sessions.close(1, now=0) is session


class Histories(RuleBasedStateMachine):
    """Random histories of one client: every event reaches it once, or its session ended."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions = Sessions(timeout=TIMEOUT)
        self.sockets = iter(range(1, 1 << 30))
        self.now = 0.0
        self.sent = 0
        self.received: list[bytes] = []
        self.socket: int | None = None
        self.session = self._open(None)

    def _open(self, wanted: str | None) -> str:
        self.socket = next(self.sockets)
        opened = self.sessions.open(self.socket, "7", wanted=wanted, fresh=f"s{self.socket}")
        if opened.resumed:
            self.received += opened.missed
        else:
            self.sent, self.received = 0, []
        return opened.session.id

    @precondition(lambda self: self.socket is not None)
    @rule(resuming=st.booleans(), timeout=st.integers(0, 100))
    def configure(self, resuming: bool, timeout: int) -> None:
        session = self.sessions.visible(self.session)
        assert session is not None
        self.sessions.configure(session, resuming=resuming, timeout=timeout)

    @rule()
    def emit(self) -> None:
        for session in self.sessions:
            if session.id == self.session:
                self.sent += 1
                message = str(self.sent).encode()
                if self.sessions.emit(session, message, keep=True) is not None:
                    self.received.append(message)

    @precondition(lambda self: self.socket is not None)
    @rule()
    def drop(self) -> None:
        assert self.socket is not None
        self.sessions.close(self.socket, now=self.now)
        self.socket = None

    @precondition(lambda self: self.socket is None)
    @rule()
    def resume(self) -> None:
        self.session = self._open(self.session)

    @rule(seconds=st.integers(0, 50))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.sessions.expire(now=self.now)

    @invariant()
    def events_come_in_order_without_a_hole(self) -> None:
        expected = [str(number + 1).encode() for number in range(len(self.received))]
        assert self.received == expected
        if self.socket is not None:
            assert len(self.received) == self.sent

    @invariant()
    def an_open_session_never_expires(self) -> None:
        if self.socket is not None:
            assert self.sessions.visible(self.session) is not None


TestHistories = Histories.TestCase
