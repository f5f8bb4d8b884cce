"""Plays that some node did not begin in their middle a moment ago. Pure: knows no node, no clock.

An official server never begins an OGG midway; any server may fail once, as its source did.
"""

from collections.abc import Container

FORGOTTEN_AFTER = 30_000
"""Until it may be tried there again, ms."""


class Rooted:
    """Which plays stay where they are, rather than go to which nodes."""

    def __init__(self) -> None:
        self._until: dict[tuple[int, str, str], int] = {}
        """Guild, play and node -> when it is forgotten."""

    def note(self, guild_id: int, play_id: str, node: str, *, now: int) -> None:
        """Remember that a node did not begin a play."""
        self._until[guild_id, play_id, node] = now + FORGOTTEN_AFTER

    def refusers(self, guild_id: int, play_id: str, *, now: int) -> set[str]:
        """Name the nodes that did not begin a play lately."""
        return {
            node
            for (guild, play, node), until in self._until.items()
            if (guild, play) == (guild_id, play_id) and now < until
        }

    def keep(self, guilds: Container[int], *, now: int) -> None:
        """Forget what was long ago, and guilds that are none of these."""
        kept = {key: at for key, at in self._until.items() if key[0] in guilds and now < at}
        self._until = kept
