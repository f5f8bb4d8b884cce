"""Since when what a service depends on is away, and how a person is told. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

NAMES = {
    "discord_rest": "Discord's REST",
    "event_loop": "The event loop",
    "nodes": "A node",
    "postgres": "PostgreSQL",
    "redis": "Redis",
}
"""How a person calls a dependency; the others are called as they are."""


@dataclass(frozen=True, slots=True)
class Change:
    """A dependency that is away now, or back."""

    name: str
    away: bool
    since: datetime
    """When the state before it began."""


class Outages:
    """One service's."""

    def __init__(self, *, now: datetime) -> None:
        self._started = now
        self._away: dict[str, datetime] = {}
        self._changed: dict[str, datetime] = {}

    def note(self, away: Mapping[str, bool], *, now: datetime) -> list[Change]:
        """Take which are away now; return what has changed. What isn't named is no more.

        What is named later than the first counts from then: a shard that was taken just now.
        """
        changes, began = [], now if self._changed else self._started
        for name in [name for name in self._changed if name not in away]:
            self._away.pop(name, None)
            del self._changed[name]
        for name, is_away in away.items():
            self._changed.setdefault(name, began)
            if is_away == (name in self._away):
                continue
            changes.append(Change(name, is_away, self.changed(name)))
            self._changed[name] = now
            if is_away:
                self._away[name] = now
            else:
                del self._away[name]
        return changes

    def since(self, name: str) -> datetime | None:
        """Say since when it is away; None: it is there."""
        return self._away.get(name)

    def changed(self, name: str) -> datetime:
        """Say when it went or came back last; where it never did, when the service started."""
        return self._changed.get(name, self._started)


def sentence(name: str, why: str, without: str, *, since: datetime, now: datetime) -> str:
    """Tell a person what is wrong, since when, and what it means."""
    times = f"since {since:%H:%M:%S} UTC ({_length(since, now)})"
    reason = f": {why.rstrip('.')}." if why else "."
    return f"{NAMES.get(name, name)} has not been well {times}{reason} {without}".strip()


def _length(since: datetime, now: datetime) -> str:
    seconds = max(0, round((now - since).total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
