"""Effects that are done and stand in the books still: struck out with the next commit, and soon.

Knows no books. A new owner does again what was not struck out, which costs a call and changes
nothing: one-shot effects have keys, and the others compare first.
"""

import asyncio
from collections.abc import Callable

from legato import telemetry

WITHIN = 0.1
"""Seconds that a done effect may stay: what ends together is struck out together."""


class Strikes:
    """What is to be struck out of a partition's outbox."""

    def __init__(self, due: Callable[[], None]) -> None:
        """`due` is called once something has waited long enough."""
        self.is_due = False
        self._due = due
        self._keys: dict[int, dict[str, None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, guild_id: int, key: str) -> None:
        """Note that an effect is done."""
        self._keys.setdefault(guild_id, {})[key] = None
        if self._timer is None:
            loop, context = asyncio.get_running_loop(), telemetry.without_span()
            self._timer = loop.call_later(WITHIN, self._fall_due, context=context)

    def take(self, is_left: Callable[[int, str], bool]) -> dict[int, list[str]]:
        """Take all by guild, but for keys under which something is to do again."""
        self.rest()
        self.is_due = False
        taken, self._keys = self._keys, {}
        return {
            guild_id: [key for key in keys if not is_left(guild_id, key)]
            for guild_id, keys in taken.items()
        }

    def rest(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fall_due(self) -> None:
        self.is_due = True
        self._due()
