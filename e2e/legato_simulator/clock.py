"""The simulator's own time, which a script can move forward. It knows no events."""

import time
from datetime import UTC, datetime


class Clock:
    """Monotonic and wall time, both ahead of the machine's by what a script added."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic() + self._ahead

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead

    def timestamp(self) -> str:
        """Write the present the way Discord does."""
        return datetime.fromtimestamp(self.wall(), UTC).isoformat()

    def advance(self, seconds: float) -> None:
        """Move forward, so that deadlines pass without waiting for them."""
        self._ahead += max(0.0, seconds)
