"""Which node a player should play on. Pure: knows figures, no connection."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FAR = 1_000.0
"""Another region costs more than any load: sound from afar is late for every listener."""
HYSTERESIS = 1.25
"""A player stays unless its node is that much worse, and by MARGIN: each move costs a gap."""
MARGIN = 10.0
_NAMED = re.compile(r"(?:c-)?([a-z]+(?:-[a-z]+)*)-?[0-9]")
"""How a voice server's name begins: us-east1234.discord.media, c-fra05-4f1a.discord.media."""


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
    """Frames a minute and player not sent in time; 3 000 are due."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where to play, and why."""

    node: str | None
    reason: str
    nearer: bool = False
    """It is in the region that is asked for, and the player's present node is not."""


def choose(nodes: Iterable[Candidate], *, current: str | None, region: str) -> Choice:
    """Choose the node with the least penalty; a player that sits well stays.

    Equal penalties go by name, so that every owner chooses alike.
    """
    known = tuple(nodes)
    sits = next((node for node in known if node.name == current), None)
    open_to = [node for node in known if why_not(node) is None]
    best = min(open_to, key=lambda node: (penalty(node, region), node.name), default=None)
    well = sits is not None and sits.connected and not sits.draining
    if sits is not None and well and (best is None or not _much_worse(sits, best, region)):
        return Choice(sits.name, "stays")
    if best is None:
        return Choice(None, _why_none(known))
    if sits is None:
        return Choice(best.name, "the least penalty")
    if not sits.connected:
        return Choice(best.name, f"{sits.name} is away")
    if sits.draining:
        return Choice(best.name, f"{sits.name} drains")
    if best.region == region != sits.region:
        return Choice(best.name, "nearer to the voice server", nearer=True)
    return Choice(best.name, "much less penalty")


def region_of(endpoint: str, regions: Mapping[str, str]) -> str | None:
    """Say in which region a voice server is, by its name; None where nobody has listed it."""
    named = _NAMED.match(endpoint)
    return regions.get(named[1]) if named else None


def why_not(node: Candidate) -> str | None:
    """Say why a node takes no new player, if it doesn't."""
    if not node.connected:
        return "away"
    if node.draining:
        return "draining"
    if node.cordoned:
        return "cordoned"
    if not node.has_session and node.sessions >= node.session_quota:
        return "out of sessions"
    return None


def penalty(node: Candidate, region: str) -> float:
    """Weigh a node: its players, steeply its load and lost frames, and the way to it.

    The load grows as in lavalink.py's Penalty (1.05 to the power of the percentage), scaled to
    players: half load weighs as 8 of them, full load as 100; 1 % of lost frames weighs as 15.
    """
    cpu: float = (1.05 ** (100 * min(max(node.load, 0.0), 1.0)) - 1) * 10 / 13
    frames = 15.0 * (max(node.deficit, 0) / 30.0)
    way = 0.0 if node.region == region else FAR
    return node.playing + cpu + frames + way


def _much_worse(sits: Candidate, best: Candidate, region: str) -> bool:
    worse, better = penalty(sits, region), penalty(best, region)
    return worse > better * HYSTERESIS and worse - better > MARGIN


def _why_none(nodes: tuple[Candidate, ...]) -> str:
    if not nodes:
        return "there are no nodes"
    return "; ".join(f"{node.name}: {why_not(node)}" for node in nodes)
