"""The server's time: one clock for all processes, read from Redis and kept by a monotonic one."""

import time

from legato.redis import Client, reaching

EPOCH = 1_420_070_400_000
"""Discord's, in ms: https://discord.com/developers/docs/reference#snowflakes"""


class ServerClock:
    """Milliseconds as the server counts them; until it was read, as this machine does."""

    def __init__(self) -> None:
        self._offset = time.time() * 1000 - time.monotonic() * 1000

    def now(self) -> int:
        """Return server ms."""
        return round(time.monotonic() * 1000 + self._offset)

    def heard(self, server_ms: int, *, asked: float, answered: float) -> None:
        """Take one reading, with monotonic seconds from before and after it."""
        self._offset = server_ms - (asked + answered) / 2 * 1000

    async def read(self, redis: Client) -> int:
        """Ask the server."""
        asked = time.monotonic()
        with reaching("time"):
            seconds, micros = await redis.time()
        self.heard(seconds * 1000 + micros // 1000, asked=asked, answered=time.monotonic())
        return self.now()


def snowflake_time(snowflake: int) -> int:
    """Say when a snowflake was made, in ms."""
    return (snowflake >> 22) + EPOCH
