"""Discord's REST limits: buckets, the global limit, the ban for invalid requests. Pure.

Source: https://discord.com/developers/docs/topics/rate-limits
"""

import hashlib
from collections import deque
from dataclasses import dataclass, field

INVALID_WINDOW = 600.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many requests one bucket allows in how many seconds."""

    limit: int
    per: float


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request may do, and what its answer's headers say."""

    allowed: bool
    bucket: str
    limit: int
    remaining: int
    reset_after: float
    scope: str = "user"

    def headers(self, wall: float) -> dict[str, str]:
        """Write the headers of Discord's answers."""
        if self.scope == "global":
            after = f"{self.reset_after:.3f}"
            scope = {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
            return scope | {"Retry-After": after}
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{wall + self.reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after:.3f}",
            "X-RateLimit-Bucket": self.bucket,
        }
        if self.allowed:
            return headers
        return headers | {
            "Retry-After": f"{self.reset_after:.3f}",
            "X-RateLimit-Scope": self.scope,
        }


@dataclass(slots=True)
class _Window:
    used: int
    ends: float


@dataclass(slots=True)
class RateLimits:
    """All windows that are open."""

    global_limit: int
    invalid_limit: int
    _windows: dict[str, _Window] = field(default_factory=dict)
    _global: dict[str, _Window] = field(default_factory=dict)
    _invalid: deque[float] = field(default_factory=deque)

    def take(self, who: str, route: str, major: str, bucket: Bucket, now: float) -> Grant:
        """Use one request of a route's bucket for one major parameter (channel, guild, webhook)."""
        name = hashlib.md5(route.encode(), usedforsecurity=False).hexdigest()
        window = self._open(self._windows, f"{who}:{name}:{major}", bucket.per, now)
        left = window.ends - now
        if window.used >= bucket.limit:
            return Grant(False, name, bucket.limit, 0, left)
        window.used += 1
        return Grant(True, name, bucket.limit, bucket.limit - window.used, left)

    def take_global(self, who: str, now: float) -> Grant | None:
        """Use one of a bot's requests of this second; a refusal when none is left."""
        window = self._open(self._global, who, 1.0, now)
        if window.used < self.global_limit:
            window.used += 1
            return None
        return Grant(False, "", self.global_limit, 0, window.ends - now, scope="global")

    def count_invalid(self, now: float) -> None:
        """Count a 401, 403 or 429 (those with scope "shared" don't count)."""
        self._invalid.append(now)

    def banned(self, now: float) -> bool:
        """Say whether the address has had too many invalid answers in ten minutes."""
        while self._invalid and now - self._invalid[0] > INVALID_WINDOW:
            self._invalid.popleft()
        return len(self._invalid) >= self.invalid_limit

    def _open(self, windows: dict[str, _Window], name: str, per: float, now: float) -> _Window:
        window = windows.get(name)
        if window is None or now >= window.ends:
            if len(windows) > 10_000:
                windows.clear()
            window = windows[name] = _Window(0, now + per)
        return window
