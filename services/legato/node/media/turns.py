"""Turns of a media process's threads: one computes at a time; who waits lets the next one go on.

With dozens of them at once, each 5 ms of the interpreter's lock apart, the thread that answers the
control process would come too late and the process be taken for a frozen one.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Who computes now; a context manager for one turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Leave one's turn to others for as long as one waits."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()

    def pause(self) -> None:
        """Let somebody else begin who has waited."""
        with self.away():
            time.sleep(0.0002)
