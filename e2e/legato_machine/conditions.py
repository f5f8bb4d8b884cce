"""Waiting for something to be true, never for time to pass."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
LOOK = 0.05
"""Seconds between two looks."""


class NeverHappened(AssertionError):
    """The condition did not come true in time."""


async def until(look: Callable[[], Awaitable[T | None]], *, what: str, timeout: float = 15.0) -> T:
    """Look again and again until something true is seen; NeverHappened says what was missed."""
    deadline = time.monotonic() + timeout
    while True:
        seen = await look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise NeverHappened(f"{what}: not within {timeout:.0f} s; last seen: {seen!r}")
        await asyncio.sleep(LOOK)
