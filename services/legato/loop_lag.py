"""How late the event loop runs its callbacks; over 250 ms is a health failure. Knows no service."""

import asyncio
from collections import deque

from prometheus_client import CollectorRegistry, Histogram

INTERVAL = 0.1
LIMIT = 0.25
_KEPT = 100
_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class LoopLag:
    """A clock that looks ten times a second at how late it is; remembers ten seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lags: deque[float] = deque(maxlen=_KEPT)
        self._seconds = Histogram(
            "legato_event_loop_lag_seconds",
            "How late the event loop ran a callback that was due",
            buckets=_BUCKETS,
            registry=registry,
        )

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.add(max(loop.time() - due, 0))

    def add(self, lag: float) -> None:
        """Count one measurement, in seconds."""
        self._lags.append(lag)
        self._seconds.observe(lag)

    def percentile(self, share: float) -> float:
        """Return the lag in seconds that this share of the last ten seconds stayed under."""
        if not self._lags:
            return 0.0
        ordered = sorted(self._lags)
        return ordered[min(round(share * len(ordered)), len(ordered) - 1)]

    @property
    def late(self) -> int:
        """Return how many of the last ten seconds' looks were over the limit."""
        return sum(lag > LIMIT for lag in self._lags)
