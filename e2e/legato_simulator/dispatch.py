"""Carries events to every session that should get them. It knows no sockets."""

from collections.abc import Callable

import msgspec

from legato_simulator import intents, message_payloads, snowflakes
from legato_simulator.json_values import Json
from legato_simulator.sessions import Session, Sessions
from legato_simulator.world import Message, World


class Dispatch:
    """Picks sessions by bot, shard and intents."""

    def __init__(self, world: World, sessions: Sessions) -> None:
        self._world = world
        self._sessions = sessions

    def receivers(self, event: str, guild_id: int | None, bot_id: int | None) -> list[Session]:
        """List the sessions that get an event; one without a guild goes to shard 0."""
        found = []
        guild = self._world.guilds.get(guild_id) if guild_id is not None else None
        for session in self._sessions.by_id.values():
            if bot_id is not None and session.bot_id != bot_id:
                continue
            if bot_id is None and guild is not None and session.bot_id not in guild.members:
                continue
            shard_id, shards = session.shard
            if shard_id != (0 if guild_id is None else snowflakes.shard_of(guild_id, shards)):
                continue
            if intents.wanted(event, session.intents, in_guild=guild_id is not None):
                found.append(session)
        return found

    def emit(
        self, event: str, data: Json, *, guild_id: int | None, bot_id: int | None = None
    ) -> None:
        """Send one event to all who may see it, or to one bot's sessions only."""
        receivers = self.receivers(event, guild_id, bot_id)
        if receivers:
            body = msgspec.Raw(msgspec.json.encode(data))
            for session in receivers:
                session.append(event, body)

    def emit_each(self, event: str, guild_id: int, data: Callable[[Session], Json]) -> None:
        """Send one event whose content depends on the receiver."""
        for session in self.receivers(event, guild_id, None):
            session.append(event, data(session))

    def message(self, event: str, value: Message) -> None:
        """Send a message's creation or change; content only to those who may read it."""
        body = message_payloads.event(self._world, value)
        bot_id = self._dm_bot(value) if value.guild_id is None else None
        for session in self.receivers(event, value.guild_id, bot_id):
            seen = message_payloads.seen_by(body, value, session.bot_id, session.intents)
            session.append(event, seen)

    def _dm_bot(self, value: Message) -> int | None:
        channel = self._world.dms[value.channel_id]
        return next((each for each in channel.recipients if self._world.users[each].bot), -1)
