from hypothesis import given
from hypothesis import strategies as st

from legato.node.dave import call
from legato.node.dave.call import Call
from legato.node.dave.exchange import (
    BeginMembership,
    ClientDisconnected,
    ClientsConnected,
    CommitOrWelcome,
    CommitReady,
    Effect,
    Event,
    ExecuteTransition,
    ExternalSender,
    HandshakeProcessed,
    KeyPackageReady,
    KeysLost,
    Leave,
    NewKeyUsed,
    PrepareEpoch,
    PrepareTransition,
    ProcessHandshake,
    ProcessProposals,
    Proposals,
    Resumed,
    SendCommitWelcome,
    SendInvalidCommitWelcome,
    SendKeyPackage,
    SendMedia,
    SendReadyForTransition,
    SessionDescribed,
    SetExternalSender,
    UseNewKey,
    WaitEnded,
)


def after(*events: Event, of: Call | None = None) -> tuple[Call, list[Effect]]:
    """Take events; gives the last one's effects."""
    state, effects = of or Call(), list[Effect]()
    for event in events:
        state, effects = call.step(state, event)
    return state, effects


FOUNDED = (
    SessionDescribed(1),
    ClientsConnected(frozenset({5})),
    KeyPackageReady(1, b"key"),
    ExternalSender(b"sender"),
    HandshakeProcessed(1, 4, "welcome", valid=True),
)
PLAYING = (*FOUNDED, ExecuteTransition(4), NewKeyUsed(1))


def test_a_call_without_encryption_begins_at_once() -> None:
    assert after(SessionDescribed(0))[1] == [SendMedia("plain")]


def test_a_pending_member_sends_its_key_package_and_waits_for_the_others() -> None:
    state, effects = after(SessionDescribed(1))
    assert effects == [BeginMembership(1, 1, b"")]
    state, effects = after(ClientsConnected(frozenset({5})), KeyPackageReady(1, b"key"), of=state)
    assert effects == [SendKeyPackage(b"key")]
    state, effects = after(ExternalSender(b"sender"), of=state)
    assert effects == [SetExternalSender(1, b"sender")]
    assert state.media == "nothing"


def test_who_is_alone_waits_for_nobody() -> None:
    assert SendMedia("plain") in after(SessionDescribed(1), ExternalSender(b"sender"))[1]
    assert after(
        SessionDescribed(1),
        ClientsConnected(frozenset({5})),
        ExternalSender(b"s"),
        ClientDisconnected(5),
    )[1] == [SendMedia("plain")]


def test_proposals_are_taken_with_those_who_are_expected() -> None:
    state, effects = after(*PLAYING, Proposals(False, b"add"))
    assert effects == [ProcessProposals(1, False, b"add", frozenset({5}))]
    assert after(CommitReady(1, b"commit"), of=state)[1] == [SendCommitWelcome(b"commit")]


def test_a_key_is_used_when_its_transition_is_executed_and_not_before() -> None:
    state, effects = after(*FOUNDED)
    assert effects == [SendReadyForTransition(4)]
    state, effects = after(ExecuteTransition(4), of=state)
    assert effects == [UseNewKey(1, fresh=True)]
    state, effects = after(NewKeyUsed(1), of=state)
    assert effects == [SendMedia("encrypted")]


def test_the_next_epochs_frames_follow_without_another_word() -> None:
    state, effects = after(*PLAYING, CommitOrWelcome(5, "commit", b"commit"))
    assert effects == [ProcessHandshake(1, 5, "commit", b"commit")]
    state, effects = after(HandshakeProcessed(1, 5, "commit", valid=True), of=state)
    assert effects == [SendReadyForTransition(5)]
    state, effects = after(ExecuteTransition(5), of=state)
    assert effects == [UseNewKey(1, fresh=False)]
    assert after(NewKeyUsed(1), of=state)[1] == []


def test_a_transition_that_was_not_prepared_is_nothing() -> None:
    assert after(*PLAYING, ExecuteTransition(9))[1] == []


def test_a_transition_executed_before_the_key_process_is_ready_is_carried_out_when_it_is() -> None:
    pending = (
        SessionDescribed(1),
        ClientsConnected(frozenset({5})),
        CommitOrWelcome(4, "welcome", b"welcome"),
    )
    late = (*pending, ExecuteTransition(4), HandshakeProcessed(1, 4, "welcome", valid=True))
    state, effects = after(*late)
    assert effects == [SendReadyForTransition(4), UseNewKey(1, fresh=True)]
    assert after(NewKeyUsed(1), of=state)[1] == [SendMedia("encrypted")]

    state, effects = after(*PLAYING, ExecuteTransition(5), ExecuteTransition(6))
    assert effects == []
    for number in (5, 6):
        state, effects = after(HandshakeProcessed(1, number, "commit", valid=True), of=state)
        assert SendReadyForTransition(number) in effects
    assert effects == [SendReadyForTransition(6), UseNewKey(1, fresh=False)]
    assert after(HandshakeProcessed(1, 7, "commit", valid=True), of=state)[1] == [
        SendReadyForTransition(7)
    ]


def test_an_invalid_commit_is_flagged_and_a_new_member_asks_to_be_added() -> None:
    state, effects = after(*PLAYING, HandshakeProcessed(1, 5, "commit", valid=False))
    assert effects == [SendInvalidCommitWelcome(5), BeginMembership(2, 1, b"sender")]
    assert state.media == "encrypted"  # with what is still there
    late = after(HandshakeProcessed(1, 6, "commit", valid=True), CommitReady(1, b"old"), of=state)
    assert late == (state, [])
    welcome = (
        KeyPackageReady(2, b"k"),
        HandshakeProcessed(2, 7, "welcome", valid=True),
        ExecuteTransition(7),
    )
    assert after(*welcome, of=state)[1] == [UseNewKey(2, fresh=False)]


def test_a_commit_of_a_group_that_one_is_not_yet_in_is_not_flagged() -> None:
    pending = (SessionDescribed(1), KeyPackageReady(1, b"key"))
    assert after(*pending, HandshakeProcessed(1, 5, "commit", valid=False))[1] == []
    own = (*pending, CommitReady(1, b"commit"), HandshakeProcessed(1, 5, "commit", valid=False))
    assert after(*own)[1] == [SendInvalidCommitWelcome(5), BeginMembership(2, 1, b"")]
    assert after(*pending, HandshakeProcessed(1, 5, "welcome", valid=False))[1][
        0
    ] == SendInvalidCommitWelcome(5)


def test_a_downgrade_is_executed_when_everyone_is_ready() -> None:
    state, effects = after(*PLAYING, PrepareTransition(6, 0))
    assert (effects, state.media) == ([SendReadyForTransition(6)], "encrypted")
    state, effects = after(ExecuteTransition(6), of=state)
    assert effects == [SendMedia("plain")]
    # A new group, up again.
    state, effects = after(PrepareEpoch(1, 1), of=state)
    assert effects == [BeginMembership(2, 1, b"sender")]
    state, effects = after(HandshakeProcessed(2, 7, "welcome", valid=True), of=state)
    assert (effects, state.media) == ([SendReadyForTransition(7)], "plain")
    assert after(ExecuteTransition(7), NewKeyUsed(2), of=state)[1] == [SendMedia("encrypted")]


def test_the_last_member_goes_back_to_a_group_of_its_own() -> None:
    alone, effects = after(
        *PLAYING, ClientDisconnected(5), PrepareEpoch(1, 1), PrepareTransition(0, 1)
    )
    assert effects == [SendMedia("plain")]
    assert alone.joined is False


def test_another_epoch_than_the_first_begins_no_group() -> None:
    assert after(*PLAYING, PrepareEpoch(7, 1))[1] == []


def test_nobody_waits_for_ever() -> None:
    assert after(SessionDescribed(1), WaitEnded(1))[1] == [SendMedia("plain")]
    assert after(*FOUNDED, WaitEnded(1))[1] == [UseNewKey(1, fresh=True)]
    assert after(*PLAYING, WaitEnded(1))[1] == []
    broken = (*PLAYING, HandshakeProcessed(1, 5, "commit", valid=False))
    assert after(*broken, WaitEnded(1))[1] == []
    assert after(*broken, ClientDisconnected(5), WaitEnded(2))[1] == [SendMedia("plain")]


def test_who_is_not_alone_sends_nothing_plain_but_tries_to_join_again() -> None:
    pending = (
        SessionDescribed(1),
        ClientsConnected(frozenset({5})),
        KeyPackageReady(1, b"key"),
        ExternalSender(b"sender"),
    )
    state, effects = after(*pending, WaitEnded(1))
    assert (effects, state.media) == ([BeginMembership(2, 1, b"sender")], "nothing")
    again, effects = after(WaitEnded(2), of=state)
    assert effects == [BeginMembership(3, 1, b"sender")]
    assert after(WaitEnded(3), of=again)[1] == [Leave()]
    assert after(HandshakeProcessed(3, 4, "welcome", valid=True), of=again)[0].waits == 0
    plain, effects = after(PrepareTransition(0, 0), of=again)
    assert (effects, plain.waits) == ([SendMedia("plain")], 0)
    broken = (*PLAYING, HandshakeProcessed(1, 5, "commit", valid=False), WaitEnded(2))
    state, effects = after(*broken)
    assert (effects, state.media) == ([BeginMembership(3, 1, b"sender")], "encrypted")


def test_lost_keys_are_replaced_by_joining_anew() -> None:
    assert after(*PLAYING, KeysLost())[1] == [
        SendInvalidCommitWelcome(4),
        BeginMembership(2, 1, b"sender"),
    ]
    assert after(SessionDescribed(1), KeysLost())[1] == [BeginMembership(2, 1, b"")]
    assert after(SessionDescribed(0), KeysLost())[1] == []


def test_lost_keys_of_a_downgraded_call_are_replaced_on_the_way_up() -> None:
    state, effects = after(*PLAYING, PrepareTransition(6, 0), ExecuteTransition(6), KeysLost())
    assert effects == []
    state, effects = after(PrepareEpoch(1, 1), of=state)
    assert effects == [BeginMembership(2, 1, b"sender")]
    up = (KeyPackageReady(2, b"key"), HandshakeProcessed(2, 7, "welcome", valid=True))
    assert after(*up, KeysLost(), of=state)[1] == [
        SendInvalidCommitWelcome(7),
        BeginMembership(3, 1, b"sender"),
    ]


def test_a_resumed_member_says_again_what_may_be_lost() -> None:
    assert after(SessionDescribed(1), KeyPackageReady(1, b"key"), Resumed())[1] == [
        SendKeyPackage(b"key")
    ]
    assert after(*FOUNDED, Resumed())[1] == [SendReadyForTransition(4)]
    assert after(*PLAYING, Resumed())[1] == []


def test_a_commit_is_said_again_until_one_is_taken() -> None:
    waiting = (*PLAYING, Proposals(False, b"add"), CommitReady(1, b"commit"))
    assert after(*waiting, Resumed())[1] == [SendCommitWelcome(b"commit")]
    taken = (*waiting, HandshakeProcessed(1, 5, "commit", valid=True), ExecuteTransition(5))
    assert after(*taken, Resumed())[1] == []


def test_an_invalid_commit_is_reported_again_until_a_welcome_comes() -> None:
    broken = (*PLAYING, HandshakeProcessed(1, 5, "commit", valid=False), KeyPackageReady(2, b"key"))
    assert after(*broken, Resumed())[1] == [SendInvalidCommitWelcome(5), SendKeyPackage(b"key")]
    welcome = (*broken, HandshakeProcessed(2, 6, "welcome", valid=True), ExecuteTransition(6))
    assert after(*welcome, Resumed())[1] == []


NUMBER = st.integers(0, 4)
VALID = st.booleans()
KIND = st.sampled_from(["commit", "welcome"])
EVENTS = st.one_of(
    st.builds(SessionDescribed, st.integers(0, 1)),
    st.just(Resumed()),
    st.builds(ClientsConnected, st.frozensets(NUMBER)),
    st.builds(ClientDisconnected, NUMBER),
    st.builds(PrepareTransition, NUMBER, st.integers(0, 1)),
    st.builds(ExecuteTransition, NUMBER),
    st.builds(PrepareEpoch, st.integers(0, 2), st.integers(0, 1)),
    st.builds(ExternalSender, st.just(b"sender")),
    st.builds(KeyPackageReady, NUMBER, st.just(b"key")),
    st.builds(CommitReady, NUMBER, st.just(b"commit")),
    st.builds(HandshakeProcessed, NUMBER, NUMBER, KIND, VALID),
    st.builds(NewKeyUsed, NUMBER),
    st.just(KeysLost()),
    st.builds(WaitEnded, NUMBER),
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
                case SendMedia(media=media):
                    assert media != used, "said once"
                    # Nothing is sent with a key that we do not have, or a call does not want.
                    assert media == "plain" or (state.joined and state.version > 0)
                    used = media
                case BeginMembership(incarnation=incarnation):
                    assert incarnation == before.incarnation + 1
                    assert not state.joined
                case UseNewKey(incarnation=incarnation):
                    assert incarnation == state.incarnation
                    keyed.add(incarnation)
                case _:
                    pass
        assert state.media == used
        assert used != "encrypted" or keyed
        assert state.incarnation >= before.incarnation
        if event == WaitEnded(before.incarnation) and state.version:
            # A track that waited has gone on, or will with the first encrypted frames.
            again = state.incarnation > before.incarnation or effects == [Leave()]
            assert state.media != "nothing" or state.joined or again
