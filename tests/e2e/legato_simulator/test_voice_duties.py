from legato_simulator.dave import messages
from legato_simulator.voice_duties import GRACE_S, SETTLED_S, Duties

BOT = 5
EXECUTED = {"transition_id": 3}


def executed(*, ready: bool, inside: bool = True) -> Duties:
    """Tell a bot at moment 0 that a transition is executed."""
    duties = Duties()
    if ready:
        duties.said(BOT, messages.READY_FOR_TRANSITION, EXECUTED)
    duties.told(BOT, messages.EXECUTE_TRANSITION, EXECUTED, inside=inside, now=0.0)
    return duties


def test_who_was_ready_must_encrypt_soon_and_who_was_not_later() -> None:
    assert not executed(ready=True).must_encrypt(BOT, SETTLED_S)
    assert executed(ready=True).must_encrypt(BOT, SETTLED_S + 0.1)
    assert not executed(ready=False).must_encrypt(BOT, GRACE_S)
    assert executed(ready=False).must_encrypt(BOT, GRACE_S + 0.1)


def test_nothing_is_asked_of_who_is_outside_has_left_or_was_never_told() -> None:
    late = GRACE_S + 1
    assert not executed(ready=True, inside=False).must_encrypt(BOT, late)
    assert not Duties().must_encrypt(BOT, late)
    left = executed(ready=True)
    left.forget(BOT)
    assert not left.must_encrypt(BOT, late)


def test_another_key_that_is_announced_gives_time_again() -> None:
    late = GRACE_S + 1
    for op in (messages.WELCOME, messages.ANNOUNCE_COMMIT, messages.PREPARE_TRANSITION):
        duties = executed(ready=True)
        assert duties.is_overdue(BOT, late)
        duties.announced(BOT, op)
        assert not duties.is_overdue(BOT, late)


def test_who_begins_anew_has_no_key_to_use() -> None:
    duties = executed(ready=True)

    duties.said(BOT, messages.INVALID_COMMIT_WELCOME, {"transition_id": 4})

    assert not duties.is_overdue(BOT, GRACE_S + 1)
    assert duties.must_encrypt(BOT, GRACE_S + 1), "what it had still serves"
