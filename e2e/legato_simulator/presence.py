"""Notices whose gateway is connected and whose sound arrives, and publishes what changed.

It is told where to look and when; it knows no sockets and has no clock.
"""

from collections.abc import Callable, Iterable

from legato_simulator.json_values import Json

Place = tuple[int, int]
"""A guild and a user in it."""


class Presence:
    """Who is online, and who is heard where, as of the last look."""

    def __init__(self) -> None:
        self._online: frozenset[int] = frozenset()
        self._speaking: frozenset[Place] = frozenset()

    def is_online(self, user_id: int) -> bool:
        """Say whether a bot has a connected gateway session."""
        return user_id in self._online

    def is_speaking(self, guild_id: int, user_id: int) -> bool:
        """Say whether sound of a bot arrives."""
        return (guild_id, user_id) in self._speaking

    def look(
        self,
        online: Iterable[int],
        speaking: Iterable[Place],
        publish: Callable[[str, Json], None],
    ) -> None:
        """Take what is true now, and publish what was not so before."""
        now_online, now_speaking = frozenset(online), frozenset(speaking)
        for user_id in now_online ^ self._online:
            publish("presence", {"user_id": str(user_id), "online": user_id in now_online})
        for guild_id, user_id in now_speaking ^ self._speaking:
            ids = {"guild_id": str(guild_id), "user_id": str(user_id)}
            publish("speaking", ids | {"speaking": (guild_id, user_id) in now_speaking})
        self._online, self._speaking = now_online, now_speaking
