from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.node.dave.exchange import Handshake
from legato.node.dave.group import Group, Invalid, _judged
from legato_simulator.dave.call import Call
from legato_simulator.dave.mls import ExternalSender
from legato_simulator.dave.policy import Policy
from support_dave import ADA, BEN, CHANNEL, Table
from support_dave_node import Bot

SENDER = ExternalSender().package


def test_a_pending_member_has_a_key_package_and_no_key() -> None:
    group = Group(1, ADA, CHANNEL)
    group.set_external_sender(SENDER)

    assert group.key_package() != group.key_package()
    assert not group.ready
    with pytest.raises(Invalid):
        group.encrypt(b"frame")


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(Invalid):
        Group(9, ADA, CHANNEL)


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans(), st.sampled_from(["commit", "welcome"]))
def test_no_bytes_break_a_pending_member(data: bytes, revoked: bool, kind: Handshake) -> None:
    group = Group(1, ADA, CHANNEL)
    with suppress(Invalid):
        group.set_external_sender(data)
    group.set_external_sender(SENDER)
    group.key_package()

    with suppress(Invalid):
        group.process_proposals(revoked=revoked, data=data, expected=frozenset({BEN}))
    with pytest.raises(Invalid):
        group.process_handshake(kind, data)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_bytes_take_a_members_key(data: st.DataObject) -> None:
    seated = Table(Call(CHANNEL, ExternalSender(), Policy.REQUIRED))
    bot = Bot(ADA, CHANNEL)
    seated.members[ADA] = bot  # type: ignore[assignment] # it has what a table asks of a member
    answers = bot.start(1)
    seated.pass_on(seated.call.join(ADA, 1, 1, seated.now))
    seated.answer(ADA, answers)
    seated.join(BEN)
    group = bot.membership.group
    assert group is not None
    before = group.encrypt(b"\xfcframe")

    junk = data.draw(st.binary(max_size=200))
    with suppress(Invalid):
        group.process_proposals(revoked=data.draw(st.booleans()), data=junk, expected=frozenset())
    with pytest.raises(Invalid):
        group.process_handshake(data.draw(st.sampled_from(["commit", "welcome"])), junk)

    ben = seated.members[BEN]
    assert ben.open(ADA, before) == ben.open(ADA, group.encrypt(b"\xfcframe")) == b"\xfcframe"


def test_what_the_library_breaks_off_by_is_invalid_and_an_end_is_an_end() -> None:
    class PanicException(BaseException):
        pass

    with pytest.raises(Invalid), _judged():
        raise PanicException
    with pytest.raises(KeyboardInterrupt), _judged():
        raise KeyboardInterrupt
