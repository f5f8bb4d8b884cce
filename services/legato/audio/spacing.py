"""Moments that lie apart, so that what happens at them does not happen at once. Knows no clock."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(slots=True)
class Spacing:
    """Hands moments out, each so long after the one before."""

    apart: timedelta
    _last: float = float("-inf")

    def after(self, earliest: float) -> float:
        """Take the first moment that is free, in seconds."""
        self._last = max(earliest, self._last + self.apart.total_seconds())
        return self._last
