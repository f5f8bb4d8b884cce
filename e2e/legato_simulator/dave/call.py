"""One call's encryption: who is in it, its group, its version, and the transitions between them.

Pure: a client's messages and the time in, messages to clients out. It looks at what is (members,
key packages, leaves) and does the next thing that is missing, one epoch and one transition at a
time. protocol.md, "Group Key Exchange" and "Protocol Version Changes".
"""

from dataclasses import dataclass, field

from legato_simulator.dave import messages, mls, policy
from legato_simulator.dave.encoding import Malformed
from legato_simulator.dave.group import Accepted, Group, Invalid, Outrun
from legato_simulator.dave.messages import Body, Send
from legato_simulator.dave.mls import ExternalSender, KeyPackage
from legato_simulator.dave.policy import Policy

TRANSITION_S = 2.0
"""How long a transition waits for everyone to be ready (protocol.md, "Member Remove")."""
COMMIT_S = 10.0
"""How long proposals wait for a commit before everyone begins anew; the text names no time."""


@dataclass(slots=True)
class Member:
    """One user of the call."""

    max_version: int
    away: bool = False
    """Its websocket is lost and may come back: it is kept, but nothing is expected of it."""
    package: KeyPackage | None = None
    """Its newest; None until it sent one, and again after an invalid commit or welcome."""
    knows_sender: bool = False


@dataclass(slots=True)
class Transition:
    """An announced change that waits for its members."""

    number: int
    version: int
    told: list[int]
    waiting: set[int]
    due: float


@dataclass(slots=True)
class Counts:
    """What happened in a call."""

    epochs: int = 0
    transitions: int = 0
    late: int = 0
    """Transitions that were executed before everyone was ready."""
    resets: int = 0
    """Groups begun anew."""
    flagged: int = 0
    """Invalid commits and welcomes that members reported (op 31)."""
    refused: list[str] = field(default_factory=list)
    """Why messages of clients were not accepted; late commits are not among them."""
    outrun: int = 0
    """Commits that came after another had won."""


class Call:
    """The voice server's part of one call."""

    def __init__(self, channel_id: int, sender: ExternalSender, demanded: Policy) -> None:
        self.channel_id, self.demanded = channel_id, demanded
        self.version = 1 if demanded is not Policy.OFF else 0
        """In force; what a newcomer is told is `offered`."""
        self.counts = Counts()
        self.members: dict[int, Member] = {}
        self.transition: Transition | None = None
        self._sender = sender
        self._group: Group | None = None
        self._batch_due = 0.0
        self._committers: list[int] = []
        self._number = 0
        self._sends: list[Send] = []
        self._now = 0.0

    # What can be asked.

    @property
    def epoch(self) -> int:
        """The group's epoch; 0 without an established group."""
        return self._group.epoch if self._group else 0

    @property
    def leaves(self) -> list[int]:
        """List the group's members."""
        return self._group.members if self._group else []

    @property
    def committers(self) -> list[int]:
        """List who was asked for a commit that has not come yet."""
        return self._committers if self._group is not None and self._group.waits else []

    @property
    def due(self) -> float | None:
        """Say when `wake` is to be called; None: not as it is."""
        times = [self.transition.due] if self.transition else []
        if self._group is not None and self._group.waits:
            times.append(self._batch_due)
        return min(times, default=None)

    def offered(self, max_version: int) -> int:
        """Choose the version that a newcomer is told in op 4."""
        return policy.version(self.demanded, [*self._versions(), max_version])

    # What happens.

    def join(self, user_id: int, max_version: int, told: int, now: float) -> list[Send]:
        """Take someone in who was told a version in op 4, and who else is there in op 11."""
        self.members[user_id] = Member(max_version)
        if told < self.version and told < self.offered(max_version):
            self._begin_anew([user_id])
        elif told > 0:
            self._introduce(user_id)
        return self._advance(now)

    def leave(self, user_id: int, now: float) -> list[Send]:
        """Let someone go for good."""
        self.members.pop(user_id, None)
        return self._advance(now)

    def lose(self, user_id: int, now: float) -> list[Send]:
        """Note that someone's websocket is lost; what is sent meanwhile is kept by its session."""
        if user_id in self.members:
            self.members[user_id].away = True
        return self._advance(now)

    def find(self, user_id: int, max_version: int, now: float) -> list[Send]:
        """Note that someone resumed; who was let go meanwhile begins anew."""
        member = self.members.get(user_id)
        if member is not None:
            member.away = False
        else:
            self.members[user_id] = Member(max_version)
            if self.offered(max_version):
                self._begin_anew([user_id])
        return self._advance(now)

    def demand(self, demanded: Policy, now: float) -> list[Send]:
        """Change the policy while people talk."""
        self.demanded = demanded
        return self._advance(now)

    def take(self, user_id: int, op: int, body: Body, now: float) -> list[Send]:
        """Take one of a client's messages 23, 26, 28 and 31."""
        match op, body:
            case messages.KEY_PACKAGE, bytes():
                return self.key_package(user_id, body, now)
            case messages.COMMIT_WELCOME, bytes():
                return self.commit_welcome(user_id, body, now)
            case messages.READY_FOR_TRANSITION, dict():
                return self.ready(user_id, body["transition_id"], now)
            case messages.INVALID_COMMIT_WELCOME, dict():
                return self.invalid(user_id, now)
            case _:
                return self._refuse(f"op {op} is not a client's")

    def key_package(self, user_id: int, raw: bytes, now: float) -> list[Send]:
        """Op 26."""
        member = self.members.get(user_id)
        if member is None or member.max_version < 1:
            return self._refuse("a key package of nobody who encrypts")
        try:
            member.package = mls.read_key_package(raw, user_id)
        except Malformed as error:
            return self._refuse(str(error))
        return self._advance(now)

    def commit_welcome(self, user_id: int, payload: bytes, now: float) -> list[Send]:
        """Op 28: the first valid one wins its epoch."""
        group = self._group
        if group is None or not group.waits or user_id not in self._committers:
            self.counts.outrun += 1
            return []
        try:
            accepted = group.accept(user_id, payload)
        except Outrun:
            self.counts.outrun += 1
            return []
        except (Invalid, Malformed) as error:
            return self._refuse(str(error))
        self._announce(accepted, now)
        return self._advance(now)

    def ready(self, user_id: int, number: int, now: float) -> list[Send]:
        """Op 23."""
        if self.transition is not None and self.transition.number == number:
            self.transition.waiting.discard(user_id)
        return self._advance(now)

    def invalid(self, user_id: int, now: float) -> list[Send]:
        """Op 31: remove the member and add it again, once its new key package is here."""
        self.counts.flagged += 1
        member = self.members.get(user_id)
        if member is not None:
            member.package = None
        if self.transition is not None:
            self.transition.waiting.discard(user_id)
        return self._advance(now)

    def wake(self, now: float) -> list[Send]:
        """Let time pass."""
        return self._advance(now)

    # What follows.

    def _advance(self, now: float) -> list[Send]:
        """Do the next thing that is missing, unless something has to be waited for."""
        self._now = now
        if self._settle_transition() and self._settle_version():
            self._settle_group()
        sends, self._sends = self._sends, []
        return sends

    def _settle_transition(self) -> bool:
        """Execute a transition that is due; false while one waits."""
        transition = self.transition
        if transition is None:
            return True
        transition.waiting &= {user_id for user_id, each in self.members.items() if not each.away}
        if transition.waiting and self._now < transition.due:
            return False
        self.counts.late += bool(transition.waiting)
        self.counts.transitions += 1
        self.transition = None
        body = messages.execute_transition(transition.number)
        self._tell(transition.told, messages.EXECUTE_TRANSITION, body)
        self.version = transition.version
        return True

    def _settle_version(self) -> bool:
        """Begin a change of version; false while it waits."""
        wanted = policy.version(self.demanded, self._versions())
        if wanted == self.version or not self.members:
            return True
        if wanted == 0:
            self._group = None
            for member in self.members.values():
                member.package = None
            told = [user_id for user_id, each in self.members.items() if each.max_version > 0]
            body = messages.prepare_transition(0, self._next())
            self._tell(told, messages.PREPARE_TRANSITION, body)
            self._await(0, told)
            return False
        self.version = wanted
        self._reset()
        return True

    def _settle_group(self) -> None:
        """Begin the next epoch if someone is to be added or removed."""
        group = self._group
        if self.version == 0:
            return
        if group is None:
            self._found()
        elif group.waits:
            stuck = not any(each in self.members for each in self._committers)
            if stuck or self._now >= self._batch_due:
                self._reset()
        else:
            self._change(group)

    def _change(self, group: Group) -> None:
        true = [each for each in group.members if self._is_true(group, each)]
        remove, add = self._changes(group)
        if len(self.members) == 1 or ((remove or add) and not true):
            self._reset()
        elif (remove or add) and any(not self.members[each].away for each in true):
            opened = group.propose(remove, add)
            body = messages.proposals([each for _, each in [*opened.removals, *opened.additions]])
            self._hand_out(dict.fromkeys(true, body))

    def _found(self) -> None:
        """Propose everyone to everyone else, once there are two ("Initial Group Creation")."""
        founders = {
            user_id: each.package
            for user_id, each in self.members.items()
            if each.package is not None and not each.away
        }
        if len(founders) < 2:
            return
        self._group = Group(self.channel_id, self._sender)
        opened = self._group.propose([], founders)
        self._hand_out(
            {
                user_id: messages.proposals(
                    [m for whose, m in opened.additions if whose != user_id]
                )
                for user_id in founders
            }
        )

    def _changes(self, group: Group) -> tuple[list[int], dict[int, KeyPackage]]:
        """Compare the leaves with the members: whom to remove, whom to add."""
        remove, add = [], {}
        inside = group.members
        for user_id in inside:
            member = self.members.get(user_id)
            replaced = member is not None and member.package is not None
            if member is None or (replaced and not self._is_true(group, user_id)):
                remove.append(user_id)
        for user_id, member in self.members.items():
            if member.package is not None and (user_id not in inside or user_id in remove):
                add[user_id] = member.package
        return remove, add

    def _is_true(self, group: Group, user_id: int) -> bool:
        """Say whether a leaf is still what its member holds."""
        member = self.members.get(user_id)
        if member is None or member.package is None:
            return False
        package = group.package_of(user_id)
        return package is not None and package.raw == member.package.raw

    def _hand_out(self, bodies: dict[int, Body]) -> None:
        self._committers = list(bodies)
        self._batch_due = self._now + COMMIT_S
        for user_id, body in bodies.items():
            self._sends.append(Send(user_id, messages.PROPOSALS, body))

    def _announce(self, accepted: Accepted, now: float) -> None:
        """Pass a commit on: op 29 to who was in, op 30 to who came in by it."""
        self._now = now
        self.counts.epochs += 1
        number, group = self._next(), self._group
        true = [each for each in self.leaves if group and self._is_true(group, each)]
        old = [each for each in true if each in self._committers and each not in accepted.welcomes]
        body = messages.transition(number, accepted.commit)
        self._tell(old, messages.ANNOUNCE_COMMIT, body)
        new = [each for each in accepted.welcomes if each in true]
        for user_id in new:
            body = messages.transition(number, accepted.welcomes[user_id])
            self._sends.append(Send(user_id, messages.WELCOME, body))
        self._await(1, [*old, *new])

    def _await(self, version: int, told: list[int]) -> None:
        due = self._now + TRANSITION_S
        self.transition = Transition(self._number, version, told, set(told), due)

    def _reset(self) -> None:
        """Begin a new group with everyone in the call ("Sole member reset", epoch 1)."""
        self.counts.resets += 1
        self._group = None
        everyone = list(self.members)
        self._begin_anew(everyone)
        if len(everyone) == 1:
            body = messages.prepare_transition(1, 0)
            self._tell(everyone, messages.PREPARE_TRANSITION, body)

    def _begin_anew(self, users: list[int]) -> None:
        for user_id in users:
            self.members[user_id].package = None
        self._tell(users, messages.PREPARE_EPOCH, messages.prepare_epoch(1, messages.NEW_GROUP))
        for user_id in users:
            if not self.members[user_id].knows_sender:
                self._introduce(user_id)

    def _introduce(self, user_id: int) -> None:
        self.members[user_id].knows_sender = True
        self._sends.append(Send(user_id, messages.EXTERNAL_SENDER, self._sender.package))

    def _tell(self, users: list[int], op: int, body: Body) -> None:
        self._sends += [Send(user_id, op, body) for user_id in users]

    def _versions(self) -> list[int]:
        return [each.max_version for each in self.members.values()]

    def _next(self) -> int:
        """Number a transition; 0 has a meaning of its own."""
        self._number = self._number % 0xFFFF + 1
        return self._number

    def _refuse(self, why: str) -> list[Send]:
        self.counts.refused.append(why)
        return []
