"""How late this process itself was lately: by so much what it saw may have come sooner or later."""

import asyncio
from collections import deque

LOOK = 0.05


class Lateness:
    """The worst lateness of the event loop within some seconds."""

    def __init__(self, within: float = 10.0) -> None:
        self._most = round(within / LOOK)
        self._seen: deque[float] = deque(maxlen=self._most)

    @property
    def worst(self) -> float:
        """Say by how many seconds the loop was late at worst."""
        return max(self._seen, default=0.0)

    async def watch(self) -> None:
        """Look again and again until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK
            await asyncio.sleep(LOOK)
            self._seen.append(max(0.0, loop.time() - due))
