"""Every bot's listener in every guild, within one bound of memory. It knows no socket."""

from legato_simulator.listener import Listener
from legato_simulator.voice_session import VoiceSession

KEPT_TOTAL = 300_000
"""Packets kept over all listeners, about 150 MB: many listeners keep less each."""
KEPT_LEAST = 500


class Audience:
    """The listeners by guild and bot, also of bots that have gone."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._listeners: dict[tuple[int, int], Listener] = {}

    def all(self) -> list[Listener]:
        """List every listener."""
        return list(self._listeners.values())

    def find(self, guild_id: int, user_id: int | None = None) -> Listener | None:
        """Find a bot's listener; without a user the guild's newest."""
        if user_id is not None:
            return self._listeners.get((guild_id, user_id))
        found = [one for key, one in self._listeners.items() if key[0] == guild_id]
        return found[-1] if found else None

    def of(self, session: VoiceSession) -> Listener:
        """Give the listener of a session's bot, the guild's newest from now on."""
        key = (session.grant.guild_id, session.grant.user_id)
        found = self._listeners.pop(key, None)
        if found is None:
            keep = min(self._keep, KEPT_TOTAL // (len(self._listeners) + 1))
            found = Listener(*key, keep=max(keep, KEPT_LEAST))
        self._listeners[key] = found
        return found
