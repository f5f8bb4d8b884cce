"""Beginnings of the files that were loaded lately: playing one need not wait for its server.

Who loads a link leaves its first bytes in shared memory, who plays it begins with them. It knows no
process and no clock.
"""

import os
from dataclasses import dataclass

from legato.node import messages

LONGEST = 3600.0
"""Seconds that one is kept: a queue of some fifteen tracks."""
MOST = 512
"""Each holds a descriptor, however short it is."""


@dataclass(frozen=True, slots=True)
class _Kept:
    head: messages.Head
    descriptor: int
    at: float


class Heads:
    """The newest beginnings, up to so many, and so many bytes in all."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._kept: dict[str, _Kept] = {}
        self._bytes = 0

    def keep(self, head: messages.Head, descriptor: int, *, now: float) -> None:
        """Take one in; the oldest go."""
        self._drop(head.link)
        self._kept[head.link] = _Kept(head, descriptor, now)
        self._bytes += head.size
        for kept in tuple(self._kept.values()):
            too_many = self._bytes > self._most or len(self._kept) > MOST
            if too_many or kept.at < now - LONGEST:
                self._drop(kept.head.link)

    def find(self, link: str, *, now: float) -> tuple[messages.Head, int] | None:
        """Give a link's beginning and its shared memory, which stays ours."""
        kept = self._kept.get(link)
        if kept is None or kept.at < now - LONGEST:
            return None
        return kept.head, kept.descriptor

    def close(self) -> None:
        """Let go of all."""
        for link in tuple(self._kept):
            self._drop(link)

    def _drop(self, link: str) -> None:
        kept = self._kept.pop(link, None)
        if kept is not None:
            os.close(kept.descriptor)
            self._bytes -= kept.head.size
