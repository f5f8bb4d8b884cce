"""The server's part of an encrypted call against real members."""

import random

import pytest

from legato_simulator.dave import messages
from legato_simulator.dave.call import COMMIT_S, TRANSITION_S
from legato_simulator.dave.policy import Policy
from support_dave import ADA, BEN, CLEO, DINA, FRAME, table


def test_two_members_found_a_group_and_hear_each_other():
    call = table()
    ada, ben = call.join(ADA), call.join(BEN)

    assert (ada.epoch, ben.epoch, call.call.epoch) == (1, 1, 1)
    assert call.call.leaves in ([ADA, BEN], [BEN, ADA])
    call.everyone_hears_everyone()
    assert [op for _, op in call.log].count(messages.EXECUTE_TRANSITION) == 2
    assert call.call.counts.refused == []


def test_one_who_is_alone_sends_plain_frames():
    call = table()

    assert call.join(ADA).seal(FRAME) == FRAME
    assert call.call.epoch == 0


def test_a_third_is_welcomed_and_opens_what_comes_after():
    call = table()
    ada = call.join(ADA)
    call.join(BEN)
    before = ada.seal(FRAME)
    cleo = call.join(CLEO)

    call.everyone_hears_everyone()
    assert call.members[BEN].open(ADA, before) == FRAME
    with pytest.raises(ValueError, match="decrypt"):
        cleo.open(ADA, before)
    assert (CLEO, messages.ANNOUNCE_COMMIT) not in call.log
    assert (CLEO, messages.PROPOSALS) not in call.log


def test_who_left_opens_nothing_of_the_next_epoch():
    call = table()
    for each in (ADA, BEN, CLEO):
        call.join(each)
    cleo = call.members[CLEO]
    call.leave(CLEO)

    assert sorted(call.call.leaves) == [ADA, BEN]
    call.everyone_hears_everyone()
    with pytest.raises(ValueError, match="decrypt"):
        cleo.open(ADA, call.members[ADA].seal(FRAME))
    assert call.call.counts.refused == []


def test_the_last_one_begins_anew_and_the_next_makes_a_new_group():
    call = table()
    call.join(ADA)
    call.join(BEN)
    call.leave(BEN)

    assert call.members[ADA].seal(FRAME) == FRAME
    assert call.log[-2:] == [(ADA, messages.PREPARE_EPOCH), (ADA, messages.PREPARE_TRANSITION)]
    call.join(CLEO)
    call.everyone_hears_everyone()


@pytest.mark.parametrize("seed", range(3))
def test_all_hear_all_through_forty_random_changes(seed: int):
    call, dice = table(), random.Random(seed)
    for _ in range(40):
        absent = [each for each in (ADA, BEN, CLEO, DINA, 55) if each not in call.members]
        if absent and (len(call.members) < 2 or dice.random() < 0.5):
            call.join(dice.choice(absent))
        else:
            call.leave(dice.choice(sorted(call.members)))
        if len(call.members) > 1:
            call.everyone_hears_everyone()
    assert call.call.counts.refused == []
    assert call.call.counts.flagged == 0


def test_twelve_found_a_group():
    call = table()
    for each in range(12):
        call.join(1000 + each)

    assert len(call.call.leaves) == 12
    assert call.hear(1000) == {1000 + each for each in range(1, 12)}


@pytest.mark.parametrize("op", [messages.ANNOUNCE_COMMIT, messages.WELCOME])
@pytest.mark.parametrize("spoiled", [ADA, BEN, CLEO])
def test_a_broken_commit_or_welcome_is_reported_and_mended(op: int, spoiled: int):
    call = table()
    call.spoiled[spoiled, op] = 1
    for each in (ADA, BEN, CLEO):
        call.join(each)

    reached = not call.spoiled[spoiled, op]
    assert call.call.counts.flagged == reached
    call.everyone_hears_everyone()
    assert sorted(call.call.leaves) == [ADA, BEN, CLEO]


def test_everyone_gets_a_broken_commit_and_all_begin_anew():
    call = table()
    for each in (ADA, BEN):
        call.join(each)
    for each in (ADA, BEN):
        call.spoiled[each, messages.ANNOUNCE_COMMIT] = 1
    call.join(CLEO)
    call.wait(TRANSITION_S)

    call.everyone_hears_everyone()
    assert call.call.counts.flagged == 2


def test_a_slow_member_holds_up_neither_commit_nor_transition_for_ever():
    call = table()
    call.join(ADA)
    call.join(BEN)
    call.silent.add(BEN)
    call.join(CLEO)

    assert call.call.epoch == 2
    assert (CLEO, messages.EXECUTE_TRANSITION) not in call.log
    call.join(DINA)
    assert call.call.epoch == 2
    call.wait(TRANSITION_S)
    assert (CLEO, messages.EXECUTE_TRANSITION) in call.log
    assert call.call.counts.late == 1
    call.speak(BEN)
    call.wait(TRANSITION_S)
    call.everyone_hears_everyone()
    assert call.call.counts.outrun > 0
    assert call.call.counts.refused == []


def test_members_who_never_commit_are_made_to_begin_anew():
    call = table()
    call.join(ADA)
    call.silent.add(ADA)
    call.join(BEN)
    call.call.counts.refused.clear()
    call.silent.add(BEN)
    call.join(CLEO)
    call.wait(TRANSITION_S)
    call.held.clear()
    call.silent.clear()
    call.wait(COMMIT_S)
    call.wait(TRANSITION_S)

    call.everyone_hears_everyone()


def test_one_who_cannot_encrypt_brings_the_call_down_and_up_again_by_leaving():
    call = table(Policy.OPTIONAL)
    ada = call.join(ADA)
    call.join(BEN)
    call.join(CLEO, 0)

    assert call.call.version == 0
    assert ada.seal(FRAME) == FRAME
    assert (CLEO, messages.PREPARE_TRANSITION) not in call.log
    call.join(DINA)
    assert call.members[DINA].version == 0
    call.leave(CLEO)
    assert call.call.version == 1
    call.everyone_hears_everyone()


def test_a_change_of_policy_changes_the_call():
    call = table()
    call.join(ADA)
    call.join(BEN)
    call.pass_on(call.call.demand(Policy.OFF, 0.0))
    assert call.call.version == 0
    assert call.members[ADA].seal(FRAME) == FRAME

    call.pass_on(call.call.demand(Policy.REQUIRED, 0.0))
    call.everyone_hears_everyone()


def test_a_lost_member_is_told_later_and_one_let_go_begins_anew():
    call = table()
    for each in (ADA, BEN):
        call.join(each)
    call.pass_on(call.call.lose(BEN, call.now))
    ben = call.members.pop(BEN)
    call.join(CLEO)
    assert call.call.epoch == 2
    call.pass_on(call.call.leave(BEN, call.now))
    assert sorted(call.call.leaves) == [ADA, CLEO]

    call.members[BEN] = ben
    for each in call.members.values():
        each.expected = set(call.members)
    call.pass_on(call.call.find(BEN, 1, call.now))
    call.everyone_hears_everyone()
