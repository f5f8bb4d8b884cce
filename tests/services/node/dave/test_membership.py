from itertools import count

import pytest

from legato.node.dave import exchange
from legato.node.dave.membership import LOW
from legato_simulator.dave.call import Call
from legato_simulator.dave.member import is_encrypted
from legato_simulator.dave.mls import ExternalSender
from legato_simulator.dave.policy import Policy
from support_dave import ADA, BEN, CHANNEL, CLEO, Table
from support_dave_node import Bot

BOT = ADA
NUMBERS = count()


def opus() -> bytes:
    return b"\xfc" + next(NUMBERS).to_bytes(4, "big") * 30


def table(policy: Policy = Policy.REQUIRED) -> tuple[Table, Bot]:
    """Sit the node's part down, alone."""
    seated = Table(Call(CHANNEL, ExternalSender(), policy))
    bot = Bot(BOT, CHANNEL)
    seated.members[BOT] = bot  # type: ignore[assignment] # it has what a table asks of a member
    told = seated.call.offered(1)
    answers = bot.start(told)
    seated.pass_on(seated.call.join(BOT, 1, told, seated.now))
    seated.answer(BOT, answers)
    return seated, bot


def heard(seated: Table, bot: Bot, *listeners: int) -> None:
    """Send a frame and let everyone open it."""
    frame = opus()
    sent = bot.frame(frame)
    assert sent is not None
    assert is_encrypted(sent)
    assert [seated.members[each].open(BOT, sent) for each in listeners] == [frame] * len(listeners)


def test_two_found_a_group_and_understand_each_other() -> None:
    seated, bot = table()
    assert bot.used == ["plain"]

    seated.join(BEN)

    assert bot.used == ["plain", "encrypted"]
    heard(seated, bot, BEN)


def test_members_come_and_go_and_nobody_who_is_there_misses_a_frame() -> None:
    seated, bot = table()
    seated.join(BEN)

    for _ in range(50):
        heard(seated, bot, BEN)
        seated.join(CLEO)
        bot.next()
        heard(seated, bot, BEN, CLEO)
        seated.leave(CLEO)

    heard(seated, bot, BEN)
    assert bot.used == ["plain", "encrypted"]
    assert seated.call.counts.epochs == 101
    assert seated.call.counts.refused == []


def test_who_is_left_alone_goes_back_to_plain_and_up_again() -> None:
    seated, bot = table()
    seated.join(BEN)
    seated.leave(BEN)
    assert bot.used == ["plain", "encrypted", "plain"]

    seated.join(CLEO)

    heard(seated, bot, CLEO)


def test_a_call_that_must_be_plain_is_and_is_encrypted_when_it_can_be() -> None:
    seated, bot = table(Policy.OPTIONAL)
    seated.join(BEN)
    seated.join(CLEO, max_version=0)
    assert bot.used[-1] == "plain"
    frame = opus()
    assert bot.frame(frame) == frame

    seated.leave(CLEO)

    heard(seated, bot, BEN)


@pytest.mark.parametrize("op", [29, 30])
def test_an_invalid_commit_or_welcome_is_recovered_from(op: int) -> None:
    seated, bot = table()
    if op == 30:
        seated.spoiled[BOT, 29] = 1  # the first to found a group is its first committer
        seated.spoiled[BOT, op] = 1
    seated.join(BEN)
    seated.spoiled[BOT, op] = 1
    seated.join(CLEO)

    assert exchange.SendInvalidCommitWelcome in {type(effect) for effect in bot.spoken}
    bot.next()
    heard(seated, bot, BEN, CLEO)


def test_lost_keys_are_replaced_while_the_old_frames_go_out() -> None:
    seated, bot = table()
    seated.join(BEN)
    for _ in range(6):
        bot.writer.write(0, opus())
    bot.membership.encrypt()
    bot.membership.group = None

    old = bot.next()
    seated.answer(BOT, bot.take_event(exchange.KeysLost()))

    assert old is not None
    assert is_encrypted(old)
    for _ in range(5):
        sent = bot.next()
        assert sent is not None
        seated.members[BEN].open(BOT, sent)
    heard(seated, bot, BEN)


def test_frames_of_the_epoch_before_go_out_until_the_transition_is_executed() -> None:
    seated, bot = table()
    seated.join(BEN)
    seated.join(CLEO)
    for _ in range(30):
        bot.writer.write(0, opus())
    bot.next()
    seated.silent = {CLEO}  # is not ready yet, so that nothing is executed
    epoch = seated.members[CLEO].epoch

    seated.join(BEN + 100)

    # Cleo has not said that it is ready, yet everybody's frames are still of an epoch it knows.
    assert seated.call.transition is not None or seated.members[CLEO].epoch > epoch
    before = bot.next()
    assert before is not None
    for user in (BEN, CLEO):
        seated.members[user].open(BOT, before)
    bot.writer.write(0, opus())
    bot.membership.encrypt()
    held = next(iter(bot.membership.feeds.values()))
    assert held.waiting
    while held.ahead >= LOW:
        bot.reader.take()
    bot.membership.encrypt()
    assert not held.waiting


def test_a_feed_that_is_over_is_let_go_of() -> None:
    seated, bot = table()
    seated.join(BEN)
    bot.writer.write(0, opus())
    bot.writer.end()
    assert bot.next() is not None

    assert not bot.membership.encrypt()

    assert bot.membership.feeds == {}
