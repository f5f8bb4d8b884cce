"""Waiting in tests: for a condition, never for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds: a busy machine may need many, and only a run that fails waits for all of them."""


async def until(look: Callable[[], T | Awaitable[T]], seconds: float = PATIENCE) -> T:
    """Look until something is found, and return it; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            found = look()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.005)
