"""Whose op 4 goes next on a shard's connection, paced as Discord wants. It sends none.

What people wait for (a join they asked for, a leave) and what only mends (a join with credentials
that were refused) each have a line of their own, served in turn: however many calls break at once,
who types /play waits for at most as many of them as of people.
"""

import asyncio
from collections import deque
from datetime import timedelta

EVERY = timedelta(seconds=0.6)
"""Discord ends a connection after 120 events in 60 s: 110 joins leave room for heartbeats."""
_EVERY = EVERY.total_seconds()
BURST = 10

Turn = asyncio.Future[None]


class Pace:
    """Gives turns: a burst at once, then one every so often."""

    def __init__(self) -> None:
        self._people, self._mends = deque[Turn](), deque[Turn]()
        self._order = (self._people, self._mends)
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def turn(self, *, mends: bool) -> Turn:
        """Stand in line; what comes back is done when it is one's turn, or cancelled by oneself."""
        turn = asyncio.get_running_loop().create_future()
        (self._mends if mends else self._people).append(turn)
        self._serve()
        return turn

    def _serve(self) -> None:
        """Give every turn that is due; who left the line costs none."""
        loop = asyncio.get_running_loop()
        self._next_at = max(self._next_at, loop.time() - BURST * _EVERY)
        while self._next_at <= loop.time() and (turn := self._next()) is not None:
            turn.set_result(None)
            self._next_at += _EVERY
        if self._timer is None and (self._people or self._mends):
            self._timer = loop.call_at(self._next_at, self._due)

    def _due(self) -> None:
        self._timer = None
        self._serve()

    def _next(self) -> Turn | None:
        """Take the first who still waits; the other line comes first the next time."""
        first, second = self._order
        for line, other in ((first, second), (second, first)):
            while line:
                turn = line.popleft()
                if not turn.done():
                    self._order = (other, line)
                    return turn
        return None
