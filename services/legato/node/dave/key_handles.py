"""The key process, seen from the control process: whose keys it holds, and another when it dies."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from legato.node import channel, messages
from legato.node.children import Child, spawn, tell
from legato.node.dave.exchange import Answer, HandshakeProcessed
from legato.node.settings import MediaSettings

RESTART_WINDOW = 10.0
MOST_RESTARTS = 10
"""Restarts in one window before the node gives up."""

ROUNDS = 10
"""Questions left unanswered, evenly over the patience, before the process is replaced."""

BATCH = 8
"""Memberships that a new key process is given before it has taken them."""

BARRIER = 1
"""The number of the question whose answer says so."""


class KeyOwner(Protocol):
    """Who keys are kept for."""

    def answered(self, answer: Answer) -> None:
        """The key process has done something."""

    def keys_lost(self) -> None:
        """The key process is another one: it has the membership, but no key and no feed."""


@dataclass(slots=True)
class KeyHandle:
    """One voice connection's keys."""

    number: int
    owner: KeyOwner
    opened: messages.OpenMembership


@dataclass(slots=True)
class KeyHandles:
    """The one key process of a node, and all whose keys it holds."""

    settings: MediaSettings
    give_up: Callable[[str], None]
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    restarts: int = 0
    epochs: Counter[str] = field(default_factory=Counter)
    """Changes of groups, by what came of them."""
    _child: Child[messages.FromKeyProcess] | None = None
    _handles: dict[int, KeyHandle] = field(default_factory=dict)
    _last: int = 0
    _serves: bool = False
    """Whether the newest process is ready."""
    _away: deque[int] = field(default_factory=deque)
    """Memberships that the newest process does not have yet."""
    _unanswered: int = 0
    _recent: list[float] = field(default_factory=list)
    _closing: bool = False

    def start(self) -> None:
        """Start the process."""
        self._serves, self._unanswered = False, 0
        decoder = msgspec.msgpack.Decoder(messages.FromKeyProcess)
        child = self._child = spawn("legato.node.dave.key_process", self.settings, decoder)
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
        """Process id of the key process."""
        return None if self._child is None else self._child.pid

    @property
    def calls(self) -> int:
        """Encrypted calls that the node takes part in."""
        return len(self._handles)

    def open(self, user: int, call: int, owner: KeyOwner) -> KeyHandle:
        """Keep keys for one more voice connection."""
        self._last += 1
        opened = messages.OpenMembership(membership=self._last, user=user, channel=call)
        handle = self._handles[self._last] = KeyHandle(self._last, owner, opened)
        if not self._serves:
            self._away.append(handle.number)
        self.tell(opened)
        return handle

    def shut(self, handle: KeyHandle) -> None:
        """Forget a connection's keys."""
        if self._handles.pop(handle.number, None) is not None:
            self.tell(messages.CloseMembership(membership=handle.number))

    def tell(self, message: messages.ToKeyProcess, descriptors: tuple[int, ...] = ()) -> None:
        """Tell the key process without waiting; one that has just begun is told all of it later."""
        if self._child is not None and self._serves:
            tell(self._child, message, descriptors)

    def _ask(self, child: Child[messages.FromKeyProcess]) -> None:
        if self._unanswered >= ROUNDS:
            child.process.kill()
            return
        self._unanswered += 1
        tell(child, messages.Ping())

    def _heard(self, message: messages.FromKeyProcess) -> None:
        self._unanswered = 0
        match message:
            case messages.Ready():
                self._serves = True
                self.ready.set()
                self._return()
            case messages.Pong(number=number):
                if number == BARRIER:
                    self._return()
            case messages.Answered(membership=number, answer=answer):
                if isinstance(answer, HandshakeProcessed):
                    self.epochs["taken" if answer.valid else "invalid"] += 1
                handle = self._handles.get(number)
                if handle is not None:
                    handle.owner.answered(answer)

    def _lost(self) -> None:
        """Let every connection join its call anew by another key process."""
        if self._child is not None:
            self._child.process.kill()
            self._child.end(1.0)
        if self._closing or not self.ready.is_set() or self._too_often():
            self.ready.set()
            self.give_up("the key process does not stay alive")
            return
        self._away = deque(self._handles)
        self.start()

    def _return(self) -> None:
        """Give a new key process the next few memberships: its pipe holds some hundred messages."""
        for _ in range(min(BATCH, len(self._away))):
            handle = self._handles.get(self._away.popleft())
            if handle is not None:
                self.tell(handle.opened)
                handle.owner.keys_lost()
        if self._away:
            self.tell(messages.Ping(number=BARRIER))

    def _too_often(self) -> bool:
        self.restarts += 1
        now = time.monotonic()
        self._recent = [at for at in self._recent if at > now - RESTART_WINDOW] + [now]
        return len(self._recent) > MOST_RESTARTS
