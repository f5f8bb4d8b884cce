"""A broadcast as one row of units: where it breaks it is opened anew, and its positions go on."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

from legato.node.errors import Cancelled, MediaError
from legato.node.media.decoding import Media, Unit
from legato.node.media.samples import RATE
from legato.node.rtp import SAMPLES

DELAYS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each try to open a broadcast anew that has not sounded steadily since it broke."""

STEADY = 2 * RATE
"""Samples of one opening that let the tries begin anew; one that ends at once does not."""

Open = Callable[[float], Media]
"""Opens anew after some seconds; raises MediaError."""


class Broadcast:
    """What comes of one link, however often it is opened."""

    def __init__(self, first: Media, reopen: Open, *, returns: bool) -> None:
        self._media: Media | None = first
        self._reopen = reopen
        self._returns = returns
        """Whether it is opened anew also where the server ended it in order."""
        self._at = 0
        self._tries = 0

    def units(self) -> Iterator[Unit]:
        """Give its units; raises MediaError when it stays away, Cancelled when nobody listens."""
        why = MediaError("The broadcast has ended.", "suspicious", "the server closed it")
        while True:
            try:
                yield from self._opened()
                if not self._returns:
                    return
            except Cancelled:
                raise
            except MediaError as error:
                why = error
            self._media = None
            if self._tries == len(DELAYS):
                raise why

    def _opened(self) -> Iterator[Unit]:
        """Give what comes until it breaks."""
        if self._media is None:
            self._tries += 1
            self._media = self._reopen(DELAYS[self._tries - 1])
        began = self._at
        base = last = -1
        with closing(self._media) as media:
            for unit in media.units(0):
                if base < 0 or unit.position <= last:
                    # It begins, or another piece of it does: a chained Ogg counts anew in each.
                    base, start = unit.position, self._at
                last = unit.position
                position = start + last - base
                self._at = position + SAMPLES
                if self._at - began >= STEADY:
                    self._tries = 0
                yield replace(unit, position=position)
