"""Which node a player should play on. Pure: knows figures, no connection."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of one node when a place is needed."""

    name: str
    region: str = "default"
    cordoned: bool = False
    draining: bool = False
    connected: bool = True
    """It answers: our session there stands, or one can be opened."""
    has_session: bool = False
    """The partition already has a session there; another one would cost one of the quota."""
    sessions: int = 0
    """Sessions of this bot there."""
    session_quota: int = 64
    playing: int = 0
    """Playing players there, by our records."""
    load: float = 0.0
    """The machine's CPU load there, 0 to 1."""
    deficit: int = 0
    """Frames a minute and player not sent in time."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where to play, and why."""

    node: str | None
    reason: str


def choose(nodes: Iterable[Candidate], *, current: str | None, region: str) -> Choice:
    """Choose the node with the least penalty."""
    raise AssertionError(nodes, current, region)
