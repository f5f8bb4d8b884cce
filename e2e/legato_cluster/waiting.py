"""Waits for a cluster's parts. Knows none of them."""

import time
from collections.abc import Callable, Iterable

from legato.embedded.child import Child
from legato_cluster.problems import NotStarted

TIMEOUT = 300.0
"""Seconds: a few where nothing else runs, and tests share their machine."""
TICK, LONGEST_TICK = 0.05, 0.5


def until(
    look: Callable[[], object],
    what: str,
    *,
    running: Iterable[Child] = (),
    timeout: float = TIMEOUT,
) -> None:
    """Wait until it is true; NotStarted when that takes too long, or one of these has ended."""
    children = tuple(running)
    deadline = time.monotonic() + timeout
    began = time.monotonic()
    while not look():
        for child in children:
            if child.code is not None:
                raise NotStarted(f"{child.program.name} ended: {child.last_words()}")
        if time.monotonic() > deadline:
            words = children[-1].last_words() if children else ""
            raise NotStarted(f"{what}: not within {timeout:.0f} s. {words}")
        # A look that takes long, as kubectl's do, leaves the machine to others for as long.
        time.sleep(min(max(TICK, time.monotonic() - began), LONGEST_TICK))
        began = time.monotonic()


def ended(children: Iterable[Child]) -> None:
    """Kill these at once, and wait until they have gone."""
    killed = tuple(children)
    for child in killed:
        child.kill()
    for child in killed:
        while child.code is None:
            time.sleep(TICK)
