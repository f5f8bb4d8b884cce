from hypothesis import given
from hypothesis import strategies as st

from legato.node.dave import call
from legato.node.dave.call import Call
from legato.node.dave.exchange import (
    Announced,
    Applied,
    Apply,
    Begin,
    Came,
    Committed,
    Described,
    Effect,
    Event,
    Execute,
    Left,
    Lost,
    Packaged,
    Prepare,
    PrepareEpoch,
    Propose,
    Proposed,
    Renew,
    Renewed,
    Resumed,
    SendCommit,
    Sender,
    SendInvalid,
    SendPackage,
    SendReady,
    Trust,
    Use,
    Waited,
)


def after(*events: Event, of: Call | None = None) -> tuple[Call, list[Effect]]:
    """Take events; gives the last one's effects."""
    state, effects = of or Call(), list[Effect]()
    for event in events:
        state, effects = call.step(state, event)
    return state, effects


FOUNDED = (
    Described(1),
    Came(frozenset({5})),
    Packaged(1, b"key"),
    Sender(b"sender"),
    Applied(1, 4, "welcome", valid=True),
)
PLAYING = (*FOUNDED, Execute(4), Renewed(1))


def test_a_call_without_encryption_begins_at_once() -> None:
    assert after(Described(0))[1] == [Use("plain")]


def test_a_pending_member_sends_its_key_package_and_waits_for_the_others() -> None:
    state, effects = after(Described(1))
    assert effects == [Begin(1, 1, b"")]
    state, effects = after(Came(frozenset({5})), Packaged(1, b"key"), of=state)
    assert effects == [SendPackage(b"key")]
    state, effects = after(Sender(b"sender"), of=state)
    assert effects == [Trust(1, b"sender")]
    assert state.how == "nothing"


def test_who_is_alone_waits_for_nobody() -> None:
    assert Use("plain") in after(Described(1), Sender(b"sender"))[1]
    assert after(Described(1), Came(frozenset({5})), Sender(b"s"), Left(5))[1] == [Use("plain")]


def test_proposals_are_taken_with_those_who_are_expected() -> None:
    state, effects = after(*PLAYING, Proposed(False, b"add"))
    assert effects == [Propose(1, False, b"add", frozenset({5}))]
    assert after(Committed(1, b"commit"), of=state)[1] == [SendCommit(b"commit")]


def test_a_key_is_used_when_its_transition_is_executed_and_not_before() -> None:
    state, effects = after(*FOUNDED)
    assert effects == [SendReady(4)]
    state, effects = after(Execute(4), of=state)
    assert effects == [Renew(1, fresh=True)]
    state, effects = after(Renewed(1), of=state)
    assert effects == [Use("encrypted")]


def test_the_next_epochs_frames_follow_without_another_word() -> None:
    state, effects = after(*PLAYING, Announced(5, "commit", b"commit"))
    assert effects == [Apply(1, 5, "commit", b"commit")]
    state, effects = after(Applied(1, 5, "commit", valid=True), of=state)
    assert effects == [SendReady(5)]
    state, effects = after(Execute(5), of=state)
    assert effects == [Renew(1, fresh=False)]
    assert after(Renewed(1), of=state)[1] == []


def test_a_transition_that_was_not_prepared_is_nothing() -> None:
    assert after(*PLAYING, Execute(9))[1] == []


def test_a_transition_executed_before_the_keeper_is_ready_is_carried_out_when_it_is() -> None:
    pending = (Described(1), Came(frozenset({5})), Announced(4, "welcome", b"welcome"))
    late = (*pending, Execute(4), Applied(1, 4, "welcome", valid=True))
    state, effects = after(*late)
    assert effects == [SendReady(4), Renew(1, fresh=True)]
    assert after(Renewed(1), of=state)[1] == [Use("encrypted")]

    state, effects = after(*PLAYING, Execute(5), Execute(6))
    assert effects == []
    for number in (5, 6):
        state, effects = after(Applied(1, number, "commit", valid=True), of=state)
        assert SendReady(number) in effects
    assert effects == [SendReady(6), Renew(1, fresh=False)]
    assert after(Applied(1, 7, "commit", valid=True), of=state)[1] == [SendReady(7)]


def test_an_invalid_commit_is_flagged_and_a_new_member_asks_to_be_added() -> None:
    state, effects = after(*PLAYING, Applied(1, 5, "commit", valid=False))
    assert effects == [SendInvalid(5), Begin(2, 1, b"sender")]
    assert state.how == "encrypted"  # with what is still there
    late = after(Applied(1, 6, "commit", valid=True), Committed(1, b"old"), of=state)
    assert late == (state, [])
    welcome = (Packaged(2, b"k"), Applied(2, 7, "welcome", valid=True), Execute(7))
    assert after(*welcome, of=state)[1] == [Renew(2, fresh=False)]


def test_a_commit_of_a_group_that_one_is_not_yet_in_is_not_flagged() -> None:
    pending = (Described(1), Packaged(1, b"key"))
    assert after(*pending, Applied(1, 5, "commit", valid=False))[1] == []
    own = (*pending, Committed(1, b"commit"), Applied(1, 5, "commit", valid=False))
    assert after(*own)[1] == [SendInvalid(5), Begin(2, 1, b"")]
    assert after(*pending, Applied(1, 5, "welcome", valid=False))[1][0] == SendInvalid(5)


def test_a_downgrade_is_executed_when_everyone_is_ready() -> None:
    state, effects = after(*PLAYING, Prepare(6, 0))
    assert (effects, state.how) == ([SendReady(6)], "encrypted")
    state, effects = after(Execute(6), of=state)
    assert effects == [Use("plain")]
    # A new group, up again.
    state, effects = after(PrepareEpoch(1, 1), of=state)
    assert effects == [Begin(2, 1, b"sender")]
    state, effects = after(Applied(2, 7, "welcome", valid=True), of=state)
    assert (effects, state.how) == ([SendReady(7)], "plain")
    assert after(Execute(7), Renewed(2), of=state)[1] == [Use("encrypted")]


def test_the_last_member_goes_back_to_a_group_of_its_own() -> None:
    alone, effects = after(*PLAYING, Left(5), PrepareEpoch(1, 1), Prepare(0, 1))
    assert effects == [Use("plain")]
    assert alone.joined is False


def test_another_epoch_than_the_first_begins_no_group() -> None:
    assert after(*PLAYING, PrepareEpoch(7, 1))[1] == []


def test_nobody_waits_for_ever() -> None:
    assert after(Described(1), Waited(1))[1] == [Use("plain")]
    assert after(*FOUNDED, Waited(1))[1] == [Renew(1, fresh=True)]
    assert after(*PLAYING, Waited(1))[1] == []
    broken = (*PLAYING, Applied(1, 5, "commit", valid=False))
    assert after(*broken, Waited(1))[1] == []
    assert after(*broken, Left(5), Waited(2))[1] == [Use("plain")]


def test_who_is_not_alone_sends_nothing_plain_but_tries_to_join_again() -> None:
    pending = (Described(1), Came(frozenset({5})), Packaged(1, b"key"), Sender(b"sender"))
    state, effects = after(*pending, Waited(1))
    assert (effects, state.how) == ([Begin(2, 1, b"sender")], "nothing")
    assert after(Waited(2), of=state)[1] == [Begin(3, 1, b"sender")]
    broken = (*PLAYING, Applied(1, 5, "commit", valid=False), Waited(2))
    state, effects = after(*broken)
    assert (effects, state.how) == ([Begin(3, 1, b"sender")], "encrypted")


def test_lost_keys_are_replaced_by_joining_anew() -> None:
    assert after(*PLAYING, Lost())[1] == [SendInvalid(4), Begin(2, 1, b"sender")]
    assert after(Described(1), Lost())[1] == [Begin(2, 1, b"")]
    assert after(Described(0), Lost())[1] == []


def test_lost_keys_of_a_downgraded_call_are_replaced_on_the_way_up() -> None:
    state, effects = after(*PLAYING, Prepare(6, 0), Execute(6), Lost())
    assert effects == []
    state, effects = after(PrepareEpoch(1, 1), of=state)
    assert effects == [Begin(2, 1, b"sender")]
    up = (Packaged(2, b"key"), Applied(2, 7, "welcome", valid=True))
    assert after(*up, Lost(), of=state)[1] == [SendInvalid(7), Begin(3, 1, b"sender")]


def test_a_resumed_member_says_again_what_may_be_lost() -> None:
    assert after(Described(1), Packaged(1, b"key"), Resumed())[1] == [SendPackage(b"key")]
    assert after(*FOUNDED, Resumed())[1] == [SendReady(4)]
    assert after(*PLAYING, Resumed())[1] == []


def test_a_commit_is_said_again_until_one_is_taken() -> None:
    waiting = (*PLAYING, Proposed(False, b"add"), Committed(1, b"commit"))
    assert after(*waiting, Resumed())[1] == [SendCommit(b"commit")]
    taken = (*waiting, Applied(1, 5, "commit", valid=True), Execute(5))
    assert after(*taken, Resumed())[1] == []


def test_an_invalid_commit_is_reported_again_until_a_welcome_comes() -> None:
    broken = (*PLAYING, Applied(1, 5, "commit", valid=False), Packaged(2, b"key"))
    assert after(*broken, Resumed())[1] == [SendInvalid(5), SendPackage(b"key")]
    welcome = (*broken, Applied(2, 6, "welcome", valid=True), Execute(6))
    assert after(*welcome, Resumed())[1] == []


NUMBER = st.integers(0, 4)
VALID = st.booleans()
KIND = st.sampled_from(["commit", "welcome"])
EVENTS = st.one_of(
    st.builds(Described, st.integers(0, 1)),
    st.just(Resumed()),
    st.builds(Came, st.frozensets(NUMBER)),
    st.builds(Left, NUMBER),
    st.builds(Prepare, NUMBER, st.integers(0, 1)),
    st.builds(Execute, NUMBER),
    st.builds(PrepareEpoch, st.integers(0, 2), st.integers(0, 1)),
    st.builds(Sender, st.just(b"sender")),
    st.builds(Packaged, NUMBER, st.just(b"key")),
    st.builds(Committed, NUMBER, st.just(b"commit")),
    st.builds(Applied, NUMBER, NUMBER, KIND, VALID),
    st.builds(Renewed, NUMBER),
    st.just(Lost()),
    st.builds(Waited, NUMBER),
)


@given(st.lists(EVENTS, max_size=60))
def test_whatever_comes_the_call_stays_true_to_itself(events: list[Event]) -> None:
    state, used = Call(), "nothing"
    keyed: set[int] = set()
    for event in events:
        before = state
        state, effects = call.step(state, event)
        for effect in effects:
            match effect:
                case Use(how=how):
                    assert how != used, "said once"
                    # Nothing is sent with a key that we do not have, or a call does not want.
                    assert how == "plain" or (state.joined and state.version > 0)
                    used = how
                case Begin(incarnation=incarnation):
                    assert incarnation == before.incarnation + 1
                    assert not state.joined
                case Renew(incarnation=incarnation):
                    assert incarnation == state.incarnation
                    keyed.add(incarnation)
                case _:
                    pass
        assert state.how == used
        assert used != "encrypted" or keyed
        assert state.incarnation >= before.incarnation
        if event == Waited(before.incarnation) and state.version:
            # A track that waited has gone on, or does when the keeper has encrypted some frames.
            again = state.incarnation > before.incarnation
            assert state.how != "nothing" or state.joined or again
