"""Waiting for what must come, with a deadline; knows nothing of what is waited for."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
LOOK = 0.01
"""Seconds between two looks."""


class Patience:
    """How long a run waits: seconds as a case states them, times a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    async def until(self, find: Callable[[], Found | None], what: str, seconds: float = 8) -> Found:
        """Wait until something is found; raises AssertionError that says what never came."""
        found = await self.within(find, seconds)
        if found is None:
            raise AssertionError(f"{what}: not within {seconds * self.factor:g} s")
        return found

    async def within(self, find: Callable[[], Found | None], seconds: float) -> Found | None:
        """Wait for something that may never come."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds * self.factor
        while True:
            found = find()
            if found or clock() >= end:
                return found or None
            await asyncio.sleep(LOOK)
