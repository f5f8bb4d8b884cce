"""Trying again after a dependency was away: capped backoff with jitter. Knows no dependency."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from legato import telemetry
from legato.errors import Unavailable

T = TypeVar("T")

FIRST_SECONDS = 0.1
MOST_SECONDS = 5.0

_log = telemetry.logger(__name__)


def delays(*, first: float = FIRST_SECONDS, most: float = MOST_SECONDS) -> Iterator[float]:
    """Yield seconds to wait: each time up to twice as long, and never all callers at once.

    The jitter is a half to a whole of the backoff: a tenth, a fifth, … of a second, then 5.
    """
    backoff = first
    while True:
        yield backoff * random.uniform(0.5, 1)  # noqa: S311 - spreads load, keeps no secret
        backoff = min(backoff * 2, most)


async def until_available(call: Callable[[], Awaitable[T]], *, what: str) -> T:
    """Call until it isn't Unavailable; other errors propagate at once. Ends by cancelling."""
    for delay in delays():
        try:
            return await call()
        except Unavailable as error:
            _log.warning("waiting for a dependency", what=what, why=str(error), again_in=delay)
            await asyncio.sleep(delay)
    raise AssertionError("delays never ends")


async def for_ever(work: Callable[[], Awaitable[None]], *, what: str) -> None:
    """Do work that should never end, and begin it again when it was Unavailable."""
    while True:
        await until_available(work, what=what)
