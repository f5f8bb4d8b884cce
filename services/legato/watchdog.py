"""Ends the process when its event loop stalls past a lease: a thread that needs no loop.

A loop that stands still can give nothing up, and the sockets it holds keep the next owner out; with
the process they close (ownership.md, 2). Knows no Redis, and not what a lease is for.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from legato.leases import Lease

STALLED = 70
"""The exit code: an internal error, https://man.freebsd.org/cgi/man.cgi?sysexits"""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the thread looks, in seconds."""

    look: float = 0.25
    patience: float = 1.0
    """A loop that has not run for so long after a lease ran out has stalled."""
    longest: float = 60.0
    """A loop that has not run for so long never will, whatever it held: its leases may have run
    out before, while Redis was away."""
    frozen: float = 0.5
    """The thread itself overslept by more: all of the process stood still, not the loop alone.

    With a look it is less than `patience`, else a busy machine's pause would pass for a stall.
    """
    grace: float = 1.0
    """Then the loop gets so long to find out by itself what it has lost."""


def has_stalled(leases: Iterable[Lease], *, beat: float, now: float, patience: float) -> bool:
    """Tell whether the loop has not run since a lease of its process ran out.

    A loop that runs beats at the latest within `patience` of that moment.
    """
    ends = (max(lease.deadline, lease.alone_until) for lease in leases)
    return any(beat < end <= now - patience for end in ends)


class Watchdog:
    """A context manager: watches while it is open; `beat` says that the loop runs."""

    def __init__(
        self,
        leases: Callable[[], Iterable[Lease]],
        *,
        end: Callable[[], None] | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`leases` is called by the thread."""
        self._leases = leases
        self._end = end or _end
        self._pace = pace or Pace()
        self._beat = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def beat(self) -> None:
        """Say that the loop runs."""
        self._beat = time.monotonic()

    def __enter__(self) -> Self:
        self.beat()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _watch(self) -> None:
        looked, patient_until = time.monotonic(), 0.0
        while not self._over.wait(self._pace.look):
            now = time.monotonic()
            if now - looked > self._pace.look + self._pace.frozen:
                patient_until = now + self._pace.grace
            looked = now
            if now >= patient_until and self._has_stalled(now):
                self._end()
                return

    def _has_stalled(self, now: float) -> bool:
        if now - self._beat > self._pace.longest:
            return True
        patience = self._pace.patience
        return has_stalled(self._leases(), beat=self._beat, now=now, patience=patience)


def _end() -> None:
    """End without a log, which the loop may stand in, and without tidying up, which takes time."""
    os.write(
        2, b"The event loop stalled past a lease: this process ends, so that another can go on.\n"
    )
    os._exit(STALLED)
