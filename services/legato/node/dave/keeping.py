"""The keeper, seen from the control process: whose keys it holds, and another when it dies."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from legato.node import channel, messages
from legato.node.children import Child, spawn, tell
from legato.node.dave.exchange import Answer, Applied
from legato.node.settings import MediaSettings

RESTART_WINDOW = 10.0
MOST_RESTARTS = 10
"""Restarts in one window before the node gives up."""

ROUNDS = 10
"""Questions left unanswered, evenly over the patience, before the process is replaced."""

BATCH = 8
"""Wards that a new keeper is given before it has taken them."""

BARRIER = 1
"""The number of the question whose answer says so."""


class Wearer(Protocol):
    """Who keys are kept for."""

    def answered(self, answer: Answer) -> None:
        """The keeper has done something."""

    def bereft(self) -> None:
        """The keeper is another one, which knows nothing; it has the ward and no feed."""


@dataclass(slots=True)
class Ward:
    """One voice connection's keys."""

    number: int
    wearer: Wearer
    opened: messages.OpenWard


@dataclass(slots=True)
class Keeping:
    """The one keeper of a node."""

    settings: MediaSettings
    give_up: Callable[[str], None]
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    restarts: int = 0
    epochs: Counter[str] = field(default_factory=Counter)
    """Changes of groups, by what came of them."""
    _child: Child[messages.FromKeeper] | None = None
    _wards: dict[int, Ward] = field(default_factory=dict)
    _last: int = 0
    _serves: bool = False
    """Whether the newest process is ready."""
    _away: deque[int] = field(default_factory=deque)
    """Wards that the newest process does not have yet."""
    _unanswered: int = 0
    _recent: list[float] = field(default_factory=list)
    _closing: bool = False

    def start(self) -> None:
        """Start the process."""
        self._serves, self._unanswered = False, 0
        decoder = msgspec.msgpack.Decoder(messages.FromKeeper)
        child = self._child = spawn("legato.node.dave.keeper", self.settings, decoder)
        channel.watch(child.channel, lambda message, _: self._heard(message), self._lost)

    async def watch(self, patience: float) -> None:
        """Replace a process that answers nothing for so many seconds, until cancelled."""
        while True:
            await asyncio.sleep(patience / ROUNDS)
            if self._child is not None and self._serves:
                self._ask(self._child)

    def terminate(self) -> None:
        """Ask the process to end."""
        self._closing = True
        if self._child is not None:
            channel.unwatch(self._child.channel)
            self._child.process.kill()

    def close(self, timeout: float) -> None:
        """Wait until it has ended."""
        if self._child is not None:
            self._child.end(timeout)

    @property
    def pid(self) -> int | None:
        """Process id of the keeper."""
        return None if self._child is None else self._child.pid

    @property
    def calls(self) -> int:
        """Encrypted calls that the node takes part in."""
        return len(self._wards)

    def open(self, user: int, call: int, wearer: Wearer) -> Ward:
        """Keep keys for one more voice connection."""
        self._last += 1
        opened = messages.OpenWard(ward=self._last, user=user, channel=call)
        ward = self._wards[self._last] = Ward(self._last, wearer, opened)
        if not self._serves:
            self._away.append(ward.number)
        self.tell(opened)
        return ward

    def shut(self, ward: Ward) -> None:
        """Forget a connection's keys."""
        if self._wards.pop(ward.number, None) is not None:
            self.tell(messages.CloseWard(ward=ward.number))

    def tell(self, message: messages.ToKeeper, descriptors: tuple[int, ...] = ()) -> None:
        """Tell the keeper without waiting; one that has just begun is told everything later."""
        if self._child is not None and self._serves:
            tell(self._child, message, descriptors)

    def _ask(self, child: Child[messages.FromKeeper]) -> None:
        if self._unanswered >= ROUNDS:
            child.process.kill()
            return
        self._unanswered += 1
        tell(child, messages.Ping())

    def _heard(self, message: messages.FromKeeper) -> None:
        self._unanswered = 0
        match message:
            case messages.Ready():
                self._serves = True
                self.ready.set()
                self._return()
            case messages.Pong(number=number):
                if number == BARRIER:
                    self._return()
            case messages.Answered(ward=number, answer=answer):
                if isinstance(answer, Applied):
                    self.epochs["taken" if answer.valid else "invalid"] += 1
                ward = self._wards.get(number)
                if ward is not None:
                    ward.wearer.answered(answer)

    def _lost(self) -> None:
        """Let every connection join its call anew by another keeper."""
        if self._child is not None:
            self._child.process.kill()
            self._child.end(1.0)
        if self._closing or not self.ready.is_set() or self._too_often():
            self.ready.set()
            self.give_up("the keeper of keys does not stay alive")
            return
        self._away = deque(self._wards)
        self.start()

    def _return(self) -> None:
        """Give a new keeper the next few wards: its pipe holds some hundred messages."""
        for _ in range(min(BATCH, len(self._away))):
            ward = self._wards.get(self._away.popleft())
            if ward is not None:
                self.tell(ward.opened)
                ward.wearer.bereft()
        if self._away:
            self.tell(messages.Ping(number=BARRIER))

    def _too_often(self) -> bool:
        self.restarts += 1
        now = time.monotonic()
        self._recent = [at for at in self._recent if at > now - RESTART_WINDOW] + [now]
        return len(self._recent) > MOST_RESTARTS
