"""The people in a call as real members of its encrypted group: each opens the bots' frames itself.

An ear has a davey session of its own. It takes the group's messages one by one, late if told to;
frames that come before it has their epoch wait. It knows no socket and no sound.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from legato_simulator.dave import messages
from legato_simulator.dave.member import Member, Undecryptable
from legato_simulator.dave.messages import Body

MOST_HELD = 500
"""Frames that wait for an epoch: ten seconds of one bot's."""
RESTRAINT_S = 0.25
"""How long an ear leaves the commit to a client that was asked for it too, every second epoch."""

Answer = Callable[[int, int, Body], None]


@dataclass(slots=True)
class Frame:
    """What one packet carried, encrypted end to end or not."""

    payload: bytes
    plain: bytes | None = None
    waiting: int = 0
    """How many ears may yet open it."""


class Heard(Struct, frozen=True, kw_only=True):
    """What one listener made of the frames it was sent."""

    user_id: int
    epoch: int
    opened: int
    early: int
    """Frames of an epoch before the listener's first, as far as it can tell: those before the
    first one of their sender that it could open since it was welcomed, unless their sender was
    long due to use the newest key."""
    undecryptable: int
    """Frames of an epoch that the listener has."""
    invalid: int
    """Commits and welcomes that it could not process and reported."""


class Ear:
    """One person's part in one call."""

    def __init__(
        self,
        member: Member,
        *,
        answer: Answer,
        settled: Callable[[], None],
        slow: Callable[[], float],
        yields: Callable[[], bool],
        turn: asyncio.Lock,
    ) -> None:
        self.member = member
        self.gone = False
        self._answer, self._settled, self._slow, self._turn = answer, settled, slow, turn
        self._yields = yields
        """Whether a client was asked for a commit too."""
        self._coming: asyncio.Queue[tuple[int, Body]] = asyncio.Queue()
        self._unread = 0
        self._held: deque[tuple[int, Frame, bool]] = deque()
        self._known: set[int] = set()
        """Whose frames it opened since its latest welcome."""
        self._counts: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    def start(self, version: int) -> None:
        """Come into the call, told a version."""
        self._task = asyncio.get_running_loop().create_task(self._read())
        self._reply(self.member.start(version))

    def end(self) -> None:
        """Leave: what is under way can still be opened."""
        self.gone = True
        if self._task is not None:
            self._task.cancel()
        self._unread = 0
        self._retry()

    def tell(self, op: int, body: Body) -> None:
        """Take a message of the voice server."""
        if not self.gone:
            self._unread += 1
            self._coming.put_nowait((op, body))

    def hear(self, sender: int, frame: Frame, *, overdue: bool = False) -> None:
        """Take a frame: open it, or keep it until what was told is read.

        `overdue`: its sender had the time to use the newest key that everyone has.
        """
        waits = bool(self._held) or (self._unread > 0 and not self._open(sender, frame))
        if waits and len(self._held) < MOST_HELD:
            frame.waiting += 1
            self._held.append((sender, frame, overdue))
        elif waits or (self._unread == 0 and not self._open(sender, frame)):
            self._missed(sender, overdue=overdue)

    def told(self) -> Heard:
        """Say what it heard."""
        return Heard(
            user_id=self.member.user_id,
            epoch=self.member.epoch,
            opened=self._counts["opened"],
            early=self._counts["early"],
            undecryptable=self._counts["undecryptable"],
            invalid=self.member.invalid,
        )

    async def _read(self) -> None:
        while True:
            op, body = await self._coming.get()
            slowness = self._slow()
            if slowness:
                await asyncio.sleep(slowness)
            async with self._turn:
                # One at a time over all ears: MLS holds the interpreter for milliseconds.
                replies = self.member.take(op, body)
                await asyncio.sleep(0)
            self._note(op)
            self._unread -= 1
            self._reply(replies)
            if not self._unread:
                self._retry()
                self._settled()

    def _open(self, sender: int, frame: Frame) -> bool:
        try:
            plain = self.member.open(sender, frame.payload)
        except Undecryptable:
            return False
        frame.plain = plain
        self._known.add(sender)
        self._counts["opened"] += 1
        return True

    def _missed(self, sender: int, *, overdue: bool) -> None:
        if self.gone:
            return
        had = self.member.active and (overdue or sender in self._known)
        self._counts["undecryptable" if had else "early"] += 1

    def _retry(self) -> None:
        """Try once more what waited for an epoch."""
        held, self._held = self._held, deque()
        for sender, frame, overdue in held:
            frame.waiting -= 1
            if not self._open(sender, frame):
                self._missed(sender, overdue=overdue)

    def _note(self, op: int) -> None:
        """Expect nothing of a sender until its first frame in a new group can be opened."""
        if op in {messages.WELCOME, messages.PREPARE_EPOCH}:
            self._known.clear()

    def _reply(self, replies: list[tuple[int, Body]]) -> None:
        """Answer; every second commit is left to the clients first, so that theirs win too."""
        for op, body in replies:
            if op == messages.COMMIT_WELCOME and self.member.epoch % 2 and self._yields():
                loop = asyncio.get_running_loop()
                loop.call_later(RESTRAINT_S, self._answer, self.member.user_id, op, body)
            else:
                self._answer(self.member.user_id, op, body)
