"""From when on each bot of a call must encrypt its frames, and with the newest key. Pure.

It knows what a bot was told and what it said, and takes the time as an argument.
"""

import math
from typing import Any

from legato_simulator.dave import messages

SETTLED_S = 0.5
"""So long after a transition was executed, frames from before it may still be under way."""
GRACE_S = 4.0
"""So long after a transition was executed, whoever has said nothing against it uses its key."""

ANOTHER_KEY = frozenset(
    {
        messages.PREPARE_EPOCH,
        messages.PREPARE_TRANSITION,
        messages.ANNOUNCE_COMMIT,
        messages.WELCOME,
    }
)
"""What announces a key that is not in use yet."""
BEGINS_ANEW = frozenset({messages.KEY_PACKAGE, messages.INVALID_COMMIT_WELCOME})
"""What a client says that has not the group's key."""


class Duties:
    """The bots of one call."""

    def __init__(self) -> None:
        self._covered: dict[int, float] = {}
        """From when on a bot's frames must be encrypted."""
        self._overdue: dict[int, float] = {}
        """From when on a bot must use the newest key, also if it was not ready for it."""
        self._ready: dict[int, int] = {}
        """The transition that each was last ready for."""

    def said(self, user_id: int, op: int, body: Any) -> None:
        """Take a bot's message."""
        if op == messages.READY_FOR_TRANSITION and isinstance(body, dict):
            self._ready[user_id] = body["transition_id"]
        elif op in BEGINS_ANEW:
            self._overdue.pop(user_id, None)

    def announced(self, user_id: int, op: int) -> None:
        """Note what a bot is about to be told."""
        if op in ANOTHER_KEY:
            self._overdue.pop(user_id, None)

    def told(self, user_id: int, op: int, body: Any, *, inside: bool, now: float) -> None:
        """Note what a bot, with a leaf in the group or not, is told now."""
        if op == messages.EXECUTE_TRANSITION:
            if not inside:
                return
            self._overdue[user_id] = now + GRACE_S
            if self._ready.get(user_id) == body["transition_id"]:
                self._covered.setdefault(user_id, now + SETTLED_S)
        elif op in {messages.PREPARE_EPOCH, messages.PREPARE_TRANSITION}:
            self._covered.pop(user_id, None)

    def is_overdue(self, user_id: int, now: float) -> bool:
        """Say whether it had the time to use the newest key that everyone has."""
        return now > self._overdue.get(user_id, math.inf)

    def must_encrypt(self, user_id: int, now: float) -> bool:
        """Say whether a plain frame of it is a leak."""
        return self.is_overdue(user_id, now) or now > self._covered.get(user_id, math.inf)

    def lose(self, user_id: int) -> None:
        """Ask for no newer key of a bot whose websocket is lost."""
        self._overdue.pop(user_id, None)

    def forget(self, user_id: int) -> None:
        """Ask for nothing of who has left."""
        self._covered.pop(user_id, None)
        self._overdue.pop(user_id, None)

    def clear(self) -> None:
        """Ask for nothing of anybody."""
        self._covered.clear()
        self._overdue.clear()
