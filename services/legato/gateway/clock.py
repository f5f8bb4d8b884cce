"""The server's clock, read from this machine's: Redis' time is the one that all processes share."""

import time

from legato.redis import Client, reaching


class ServerClock:
    """Milliseconds by Redis' clock, without asking for each."""

    def __init__(self) -> None:
        self._ahead = 0.0

    async def set_by(self, redis: Client) -> None:
        """Measure how far ours is off. Raises Unavailable."""
        before = time.time()
        with reaching("time"):
            answer = await redis.time()
        after = time.time()
        seconds, micros = (int(part) for part in answer)
        self._ahead = seconds + micros / 1_000_000 - (before + after) / 2

    def now(self) -> int:
        """Tell the time in server ms."""
        return round((time.time() + self._ahead) * 1000)
