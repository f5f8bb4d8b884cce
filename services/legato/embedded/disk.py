"""What a server leaves to the system, brought to the disk again and again. Knows no server."""

import asyncio
from collections.abc import Callable

from legato.embedded import aside


async def keep(sync: Callable[[], None], warn: Callable[[str], None], *, every: float) -> None:
    """Bring it there until cancelled; a disk that refuses is told of once, and tried on."""
    failing = False
    while True:
        try:
            await aside.call(sync)
        except OSError as error:
            if not failing:
                warn(f"  The disk does not take Valkey's data: {error.strerror}. Trying on.")
            failing = True
        else:
            failing = False
        await asyncio.sleep(every)
