"""Which commits a group takes: the first that is whole, of its epoch, and of all that is open."""

from dataclasses import dataclass

import pytest

from legato_simulator.dave import messages, mls
from legato_simulator.dave.encoding import Malformed
from legato_simulator.dave.group import Group, Invalid, Outrun
from legato_simulator.dave.member import Member
from legato_simulator.dave.mls import ExternalSender
from support_dave import ADA, BEN, CHANNEL, CLEO


@dataclass
class Founding:
    """Three founders, and the commit of each."""

    group: Group
    members: dict[int, Member]
    commits: dict[int, bytes]


def package(member: Member) -> mls.KeyPackage:
    ((_, raw),) = member.start(1)
    assert isinstance(raw, bytes)
    return mls.read_key_package(raw, member.user_id)


def commit_of(member: Member, opened: list[bytes]) -> bytes:
    ((op, body),) = member.take(messages.PROPOSALS, messages.proposals(opened))
    assert op == messages.COMMIT_WELCOME
    assert isinstance(body, bytes)
    return body


@pytest.fixture
def founding() -> Founding:
    sender = ExternalSender()
    group = Group(CHANNEL, sender)
    members = {each: Member(each, CHANNEL) for each in (ADA, BEN, CLEO)}
    opened = group.propose([], {each: package(member) for each, member in members.items()})
    commits = {}
    for user_id, member in members.items():
        member.expected = set(members)
        member.take(messages.EXTERNAL_SENDER, sender.package)
        commits[user_id] = commit_of(member, [m for who, m in opened.additions if who != user_id])
    return Founding(group, members, commits)


def test_the_first_commit_founds_the_group_and_welcomes_the_others(founding: Founding):
    accepted = founding.group.accept(BEN, founding.commits[BEN])

    assert (founding.group.epoch, founding.group.members[0]) == (1, BEN)
    assert accepted.welcomes.keys() == {ADA, CLEO}
    with pytest.raises(Outrun):
        founding.group.accept(ADA, founding.commits[ADA])


def test_a_commit_by_someone_else_is_refused(founding: Founding):
    with pytest.raises(Invalid):
        founding.group.accept(ADA, founding.commits[BEN])
    with pytest.raises(Invalid):
        founding.group.accept(99, founding.commits[BEN])
    assert founding.group.epoch == 0


def test_a_commit_without_its_welcome_is_refused(founding: Founding):
    from legato_simulator.dave.encoding import Reader

    commit = mls.read_commit(Reader(founding.commits[ADA]))

    with pytest.raises(Invalid, match="welcome"):
        founding.group.accept(ADA, commit.raw)


def test_a_welcome_cut_short_is_refused_and_changes_nothing(founding: Founding):
    with pytest.raises(Malformed):
        founding.group.accept(ADA, founding.commits[ADA][:-10])
    assert founding.group.epoch == 0
    founding.group.accept(ADA, founding.commits[ADA])


def test_an_epoch_has_one_batch_of_proposals(founding: Founding):
    with pytest.raises(Invalid, match="has its proposals"):
        founding.group.propose([], {ADA: package(founding.members[ADA])})


def established(founding: Founding) -> Group:
    accepted = founding.group.accept(ADA, founding.commits[ADA])
    founding.members[ADA].take(messages.ANNOUNCE_COMMIT, messages.transition(1, accepted.commit))
    for user_id, welcome in accepted.welcomes.items():
        founding.members[user_id].take(messages.WELCOME, messages.transition(1, welcome))
    return founding.group


def test_a_commit_that_leaves_a_proposal_out_is_refused(founding: Founding):
    group = established(founding)
    late = Member(777, CHANNEL)
    for each in founding.members.values():
        each.expected.add(777)
    opened = group.propose([CLEO], {777: package(late)})
    (removal,), (addition,) = opened.removals, opened.additions

    with pytest.raises(Invalid, match="other proposals"):
        group.accept(ADA, commit_of(founding.members[ADA], [addition[1]]))
    group.accept(BEN, commit_of(founding.members[BEN], [removal[1], addition[1]]))
    assert sorted(group.members) == sorted([ADA, BEN, 777])
    assert group.members.index(777) == [*founding.members].index(CLEO)


def test_who_is_removed_does_not_commit(founding: Founding):
    group = established(founding)
    assert group.package_of(CLEO) is not None
    group.propose([CLEO], {})

    with pytest.raises((Invalid, Malformed)):
        group.accept(CLEO, founding.commits[CLEO])
