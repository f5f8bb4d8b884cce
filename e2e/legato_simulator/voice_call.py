"""One call: the bots connected to it, the people who listen, and their encryption.

It delivers what the call's pure part (dave/call.py) says, in order, to clients and to ears, and
gives it the time. It knows no websocket and no port.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from legato_simulator import rtp
from legato_simulator.dave import messages
from legato_simulator.dave.call import Call
from legato_simulator.dave.frames import is_encrypted
from legato_simulator.dave.member import MAX_VERSION, Member
from legato_simulator.dave.messages import Body, Send
from legato_simulator.dave.mls import ExternalSender
from legato_simulator.dave.policy import Policy
from legato_simulator.voice_duties import Duties
from legato_simulator.voice_ears import Ear, Frame, Heard
from legato_simulator.voice_faults import Counted, VoiceFaults
from legato_simulator.voice_session import VoiceSession

AWAY_S = 15.0
"""How long a lost websocket's user stays in the group, so that a resume finds it there."""
LATE_S = 3.0
"""How long someone who left can still open what was under way."""

Deliver = Callable[[VoiceSession, int, Any], Awaitable[None]]


class Encryption(Struct, frozen=True, kw_only=True):
    """A call's encryption as a test sees it."""

    guild_id: int
    channel_id: int
    policy: Policy
    version: int
    epoch: int
    members: list[int]
    """Who has a leaf in the group."""
    changing: bool
    """Whether proposals or a transition wait for someone."""
    epochs: int
    transitions: int
    late_transitions: int
    resets: int
    flagged: int
    """Invalid commits and welcomes that were reported (op 31)."""
    refused: list[str]
    outrun: int
    """Commits that came after another had won."""
    plain: dict[int, int]
    """Frames that came plain from a bot that had the group's keys: a leak. User -> how many."""
    unheard: int
    """Encrypted frames that came while nobody was there to open them."""
    heard: list[Heard]


class Surroundings(Struct, frozen=True):
    """What a call needs of its server."""

    deliver: Deliver
    faults: Callable[[], VoiceFaults]
    spend: Callable[[Counted], bool]
    sender: ExternalSender
    turn: asyncio.Lock
    """Held while an ear computes: one at a time over all calls."""
    most_ears: Callable[[], int]
    """How many people of a call are members of its group; more of them are only named."""


class VoiceCall:
    """One channel's call."""

    def __init__(self, key: tuple[int, int], demanded: Policy, around: Surroundings) -> None:
        self.key, self._around = key, around
        self.people: dict[int, None] = {}
        self.clients: dict[int, VoiceSession] = {}
        self._call = Call(key[1], around.sender, demanded)
        self._ears: dict[int, Ear] = {}
        self._late: list[Ear] = []
        self._settle: list[Callable[[], None]] = []
        self._outbox: deque[tuple[int, int, Any]] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._duties = Duties()
        self._plain: Counter[int] = Counter()
        self._unheard = 0
        self._region = ""
        """Of the voice server that the call is on; another one knows nothing of its group."""

    # Who is there.

    @property
    def empty(self) -> bool:
        """Say whether nobody is there."""
        return not self.people and not self.clients

    def others(self, user_id: int) -> list[int]:
        """List who else is in the call."""
        return sorted((self.people.keys() | self.clients.keys()) - {user_id})

    def describe(self, session: VoiceSession) -> int:
        """Choose what op 4 tells a client."""
        return self._call.offered(session.max_dave_version)

    def enter(self, session: VoiceSession) -> None:
        """Bring in a client that has op 4, and op 11 about the others."""
        user_id = session.grant.user_id
        self.tell(11, {"user_ids": [str(user_id)]}, but=user_id)
        if not self.clients and session.grant.region != self._region:
            self.end()
        self._region = session.grant.region
        self.clients[user_id] = session
        self._forget_timer("end")
        self._expect()
        self._seat_ears()
        told, most = session.dave_version, min(session.max_dave_version, MAX_VERSION)
        self._push(self._call.join(user_id, most, told, self._now()))

    def lose(self, session: VoiceSession) -> None:
        """Note that a client's websocket is lost, for a while or for ever."""
        user_id = session.grant.user_id
        self._duties.lose(user_id)
        self._push(self._call.lose(user_id, self._now()))
        self._later(f"away {user_id}", AWAY_S, lambda: self.leave(session))

    def back(self, session: VoiceSession) -> None:
        """Note that a client has resumed and has what it missed."""
        user_id = session.grant.user_id
        self._forget_timer(f"away {user_id}")
        self.tell(11, {"user_ids": [str(user_id)]}, but=user_id)
        if user_id not in self.clients:
            self.clients[user_id] = session
            self._forget_timer("end")
            there = {"user_ids": [str(each) for each in self.others(user_id)]}
            self._outbox.append((user_id, 11, there))
            self._expect()
            self._seat_ears()
        most = min(session.max_dave_version, MAX_VERSION)
        self._push(self._call.find(user_id, most, self._now()))

    def leave(self, session: VoiceSession) -> None:
        """Let a client go."""
        user_id = session.grant.user_id
        if self.clients.get(user_id) is session:
            del self.clients[user_id]
            self._forget_timer(f"away {user_id}")
            self.tell(13, {"user_id": str(user_id)})
            self._let_go(user_id)
            if not self.clients:
                # The people's group stays as it is, so that who takes the voice over finds it.
                self._later("end", LATE_S, self.end)

    def arrive(self, user_id: int) -> None:
        """Bring in a person."""
        self.people[user_id] = None
        self.tell(11, {"user_ids": [str(user_id)]})
        self._expect()
        if self.clients:
            self._seat_ears()

    def depart(self, user_id: int) -> None:
        """Let a person go."""
        if user_id not in self.people:
            return
        del self.people[user_id]
        self.tell(13, {"user_id": str(user_id)})
        ear = self._ears.pop(user_id, None)
        if ear is not None:
            self._late.append(ear)
            ear.end()
            # Under a name of its own: who comes back and leaves again is another ear.
            self._later(f"late {id(ear)}", LATE_S, lambda: self._late.remove(ear))
            self._let_go(user_id)
            self._seat_ears()

    def end(self) -> None:
        """Forget the group and the ears: there is no client left."""
        for name in list(self._timers):
            self._forget_timer(name)
        for ear in [*self._ears.values(), *self._late]:
            ear.end()
        self._ears.clear()
        self._late.clear()
        self._duties.clear()
        self._call = Call(self.key[1], self._around.sender, self._call.demanded)

    # What is said.

    def demand(self, policy: Policy) -> None:
        """Change the policy while people talk."""
        self._push(self._call.demand(policy, self._now()))

    def said(self, user_id: int, op: int, body: Body) -> None:
        """Take a client's message about the encryption."""
        slowness = self._around.faults().slow_clients
        if slowness and op in {messages.COMMIT_WELCOME, messages.READY_FOR_TRANSITION}:
            asyncio.get_running_loop().call_later(slowness, self._take, user_id, op, body)
        else:
            self._take(user_id, op, body)

    def tell(self, op: int, body: Any, *, but: int = 0) -> None:
        """Send a message to all clients, in turn with what the encryption sends."""
        self._outbox.extend((user_id, op, body) for user_id in self.clients if user_id != but)
        self._run()

    # What is heard.

    def hear(self, sender: int, frame: Frame) -> None:
        """Let the ears open a bot's frame."""
        if not is_encrypted(frame.payload):
            frame.plain = frame.payload
            due = self._duties.must_encrypt(sender, self._now())
            if due and frame.payload != rtp.SILENCE:
                self._plain[sender] += 1
            return
        overdue = self._duties.is_overdue(sender, self._now())
        for ear in self._ears.values():
            ear.hear(sender, frame, overdue=overdue)
        if frame.plain is None and not frame.waiting:
            for ear in self._late:
                ear.hear(sender, frame)
        self._unheard += frame.plain is None and not self._ears

    def passed_on(self, sender: VoiceSession, data: bytes) -> list[tuple[bytes, VoiceSession]]:
        """Seal a bot's packet anew for each other bot, as Discord's forwarding unit does."""
        others = [each for each in self.clients.values() if each is not sender and each.mode]
        if not others or self.clients.get(sender.grant.user_id) is not sender:
            return []
        try:
            packet = rtp.parse(data, sender.crypt())
        except rtp.BadPacket:
            return []
        numbers = {"sequence": packet.sequence, "timestamp": packet.timestamp, "ssrc": packet.ssrc}
        return [(rtp.build(packet.payload, each.crypt(), **numbers), each) for each in others]

    def settles(self, listener: Callable[[], None]) -> None:
        """Tell a listener whenever frames that waited may have been opened."""
        if listener not in self._settle:
            self._settle.append(listener)

    def told(self) -> Encryption:
        """Describe the encryption."""
        call, counts = self._call, self._call.counts
        return Encryption(
            guild_id=self.key[0],
            channel_id=self.key[1],
            policy=call.demanded,
            version=call.version,
            epoch=call.epoch,
            members=call.leaves,
            changing=call.due is not None,
            epochs=counts.epochs,
            transitions=counts.transitions,
            late_transitions=counts.late,
            resets=counts.resets,
            flagged=counts.flagged,
            refused=counts.refused,
            outrun=counts.outrun,
            plain=dict(self._plain),
            unheard=self._unheard,
            heard=[ear.told() for ear in self._ears.values()],
        )

    # Its own.

    def _take(self, user_id: int, op: int, body: Body) -> None:
        self._duties.said(user_id, op, body)
        self._push(self._call.take(user_id, op, body, self._now()))

    def _let_go(self, user_id: int) -> None:
        self._duties.forget(user_id)
        self._push(self._call.leave(user_id, self._now()))

    def _seat_ears(self) -> None:
        """Make ears of the first few people."""
        for user_id in self.people:
            if user_id in self._ears or len(self._ears) >= self._around.most_ears():
                continue
            ear = self._ears[user_id] = Ear(
                Member(user_id, self.key[1]),
                answer=self._take,
                settled=self._settled,
                slow=lambda: self._around.faults().slow_listeners,
                yields=lambda: not self.clients.keys().isdisjoint(self._call.committers),
                turn=self._around.turn,
            )
            self._expect()
            told = self._call.offered(MAX_VERSION)
            self._push(self._call.join(user_id, MAX_VERSION, told, self._now()))
            ear.start(told)

    def _expect(self) -> None:
        present = self.people.keys() | self.clients.keys()
        for ear in self._ears.values():
            ear.member.expected |= present

    def _settled(self) -> None:
        for each in self._settle:
            each()

    def _push(self, sends: list[Send]) -> None:
        for each in sends:
            # Ears are told at once, so that they know of an epoch before its first frame comes.
            ear = self._ears.get(each.user_id)
            if ear is not None:
                ear.tell(each.op, each.body)
            else:
                self._outbox.append((each.user_id, each.op, each.body))
                self._duties.announced(each.user_id, each.op)
        due = self._call.due
        self._forget_timer("due")
        if due is not None:
            self._later("due", max(0.0, due - self._now()), self._wake)
        self._run()

    def _wake(self) -> None:
        self._push(self._call.wake(self._now()))

    def _run(self) -> None:
        """Deliver in the background, one message after the other."""
        if self._outbox and (self._pump is None or self._pump.done()):
            self._pump = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while self._outbox:
            user_id, op, body = self._outbox.popleft()
            session = self.clients.get(user_id)
            if session is not None and not self._loses(op):
                inside = user_id in self._call.leaves
                self._duties.told(user_id, op, body, inside=inside, now=self._now())
                await self._around.deliver(session, op, self._spoil(op, body))

    def _loses(self, op: int) -> bool:
        """Say whether a message never arrives."""
        return op == messages.WELCOME and self._around.spend("lost_welcomes")

    def _spoil(self, op: int, body: Any) -> Any:
        """Break a commit or a welcome, if the faults ask for it."""
        spoils: dict[int, Counted] = {
            messages.ANNOUNCE_COMMIT: "spoil_commits",
            messages.WELCOME: "spoil_welcomes",
        }
        if op in spoils and isinstance(body, bytes) and self._around.spend(spoils[op]):
            return body[:-20] + bytes([body[-20] ^ 1]) + body[-19:]
        return body

    def _later(self, name: str, seconds: float, what: Callable[[], object]) -> None:
        self._forget_timer(name)
        loop = asyncio.get_running_loop()
        self._timers[name] = loop.call_later(seconds, what)

    def _forget_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
