"""An encrypted call without sockets: the server's part, and members through davey."""

from collections import defaultdict, deque
from dataclasses import dataclass, field

from legato_simulator.dave.call import Call
from legato_simulator.dave.member import Answer, Member, Undecryptable
from legato_simulator.dave.messages import Body, Send
from legato_simulator.dave.mls import ExternalSender
from legato_simulator.dave.policy import Policy

CHANNEL = 1234567890123456789
ADA, BEN, CLEO, DINA = (900_000_000_000_000_001 + each for each in range(4))
FRAME = b"\xfc" + bytes(range(119))


@dataclass
class Table:
    """A call, its members, and the messages under way between them."""

    call: Call
    members: dict[int, Member] = field(default_factory=dict)
    now: float = 0.0
    silent: set[int] = field(default_factory=set)
    """Members whose answers are held back."""
    held: dict[int, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    log: list[tuple[int, int]] = field(default_factory=list)
    """(user, op) of all that the server sent."""
    spoiled: dict[tuple[int, int], int] = field(default_factory=dict)
    """(user, op) -> how many of them are to arrive broken."""
    under_way: deque[Send] = field(default_factory=deque)
    busy: bool = False

    def join(self, user_id: int, max_version: int = 1) -> Member:
        """Sit down as a client does: op 4, op 11, then what follows."""
        member = self.members[user_id] = Member(user_id, CHANNEL)
        told = self.call.offered(max_version)
        for each in self.members.values():
            each.expected = set(self.members)
        answers = member.start(told)
        self.pass_on(self.call.join(user_id, max_version, told, self.now))
        self.answer(user_id, answers)
        return member

    def leave(self, user_id: int) -> None:
        """Get up."""
        del self.members[user_id]
        self.pass_on(self.call.leave(user_id, self.now))

    def pass_on(self, sends: list[Send]) -> None:
        """Deliver messages and what they lead to, in the order they were sent."""
        self.under_way.extend(sends)
        if not self.busy:
            self.busy = True
            while self.under_way:
                self._deliver(self.under_way.popleft())
            self.busy = False

    def _deliver(self, send: Send) -> None:
        self.log.append((send.user_id, send.op))
        member = self.members.get(send.user_id)
        if member is not None:
            self.answer(send.user_id, member.take(send.op, self._spoil(send)))

    def _spoil(self, send: Send) -> Body:
        key = (send.user_id, send.op)
        if self.spoiled.get(key) and isinstance(send.body, bytes):
            self.spoiled[key] -= 1
            return send.body[:-20] + bytes([send.body[-20] ^ 1]) + send.body[-19:]
        return send.body

    def answer(self, user_id: int, answers: list[Answer]) -> None:
        """Give a member's answers to the server, or hold them back."""
        if user_id in self.silent:
            self.held[user_id].extend(answers)
            return
        for op, body in answers:
            self.pass_on(self.call.take(user_id, op, body, self.now))

    def speak(self, user_id: int) -> None:
        """Let a silent member go on."""
        self.silent.discard(user_id)
        while self.held[user_id]:
            self.answer(user_id, [self.held[user_id].popleft()])

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.pass_on(self.call.wake(self.now))

    def hear(self, sender: int) -> set[int]:
        """Send one encrypted frame; say who could open it."""
        sealed = self.members[sender].seal(FRAME)
        assert sealed != FRAME
        found = set()
        for user_id, member in self.members.items():
            if user_id != sender:
                try:
                    assert member.open(sender, sealed) == FRAME
                    found.add(user_id)
                except Undecryptable:
                    continue
        return found

    def everyone_hears_everyone(self) -> None:
        """Let each send a frame that all others open."""
        for sender in self.members:
            assert self.hear(sender) == self.members.keys() - {sender}
        assert len({each.privacy_code for each in self.members.values()}) == 1


def table(policy: Policy = Policy.REQUIRED) -> Table:
    """Set a table."""
    return Table(Call(CHANNEL, ExternalSender(), policy))
