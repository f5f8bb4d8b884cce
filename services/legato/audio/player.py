"""A player's one function: take a message, and say what is now true and what must be done.

Pure: knows no node, no Redis, no clock.
"""

from dataclasses import dataclass

from legato.audio import rules
from legato.audio.events import Internal
from legato.audio.rules import Rules
from legato.audio.state import Player, PlayerHead, Step, new
from legato.contracts.playback import Playback
from legato.contracts.tracks import QueueItem
from legato.contracts.voice import Voice

__all__ = ["Player", "PlayerHead", "QueueDiff", "Step", "diff", "head", "new", "restore", "step"]

Message = Playback | Voice | Internal


@dataclass(frozen=True, slots=True)
class QueueDiff:
    """What changed in a queue."""

    put: tuple[QueueItem, ...] = ()
    """New or changed items."""
    remove: tuple[str, ...] = ()
    """Ids of items that are gone."""


def step(player: Player, message: Message, *, now: int, rules: Rules = rules.DEFAULT) -> Step:
    """Take one message. The very same player comes back if nothing changed."""
    raise AssertionError(player, message, now, rules)


def diff(old: Player, new: Player) -> QueueDiff:
    """Say how the queue changed."""
    raise AssertionError(old, new)


def head(player: Player) -> PlayerHead:
    """Take the player without its queue."""
    raise AssertionError(player)


def restore(head: PlayerHead, items: tuple[QueueItem, ...]) -> Player:
    """Put a player together again; the items may come in any order."""
    raise AssertionError(head, items)
