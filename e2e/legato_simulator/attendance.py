"""Who is connected to which voice channel: joins, moves, leaves, and what the bots are told of it.

It knows a voice server only as a port, and no sockets.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from legato_simulator import payloads, permissions
from legato_simulator.calls import VoiceCredentials
from legato_simulator.permissions import Permission
from legato_simulator.sessions import Session
from legato_simulator.simulation import Simulation
from legato_simulator.world import CONNECTABLE, Channel, ChannelType, Guild, VoiceState

DISCONNECTED = 4014
"""Voice close code: kicked, moved, channel deleted, or the gateway session is gone."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One op 4."""

    guild_id: int
    channel_id: int | None
    self_mute: bool = False
    self_deaf: bool = False


@dataclass(slots=True)
class Attendance:
    """Keeps the voice states of one simulation true, one change per user at a time."""

    sim: Simulation
    _given: dict[tuple[int, int], VoiceCredentials] = field(default_factory=dict)
    _locks: defaultdict[tuple[int, int], asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    async def ask(self, session: Session, wish: Wish) -> None:
        """Do what a bot's op 4 asks; what it may not do is silently ignored, as by Discord."""
        guild = self.sim.world.guilds.get(wish.guild_id)
        if guild is None or session.bot_id not in guild.members:
            return
        if wish.channel_id is None:
            await self.leave(guild, session.bot_id)
            return
        channel = guild.channels.get(wish.channel_id)
        if channel is None or not self.may_join(guild, channel, session.bot_id):
            return
        async with self._locks[guild.id, session.bot_id]:
            await self._enter(session, guild, channel, wish)

    def may_join(self, guild: Guild, channel: Channel, user_id: int) -> bool:
        """Say whether a member may connect: permission, and room in the channel."""
        member = guild.members[user_id]
        wanted = (Permission.VIEW_CHANNEL, Permission.CONNECT)
        if channel.type not in CONNECTABLE or not permissions.may(guild, member, channel, *wanted):
            return False
        present = [each.user_id for each in self.sim.world.listeners(guild.id, channel.id)]
        full = 0 < channel.user_limit <= len(present) and user_id not in present
        return not full or permissions.may(guild, member, channel, Permission.MOVE_MEMBERS)

    async def _enter(self, session: Session, guild: Guild, channel: Channel, wish: Wish) -> None:
        before = guild.voice_states.get(session.bot_id)
        state = self._state(guild, channel, session.bot_id, session.voice_id)
        state.self_mute, state.self_deaf = wish.self_mute, wish.self_deaf
        stays = before is not None and before.session_id == state.session_id
        stays = stays and before is not None and before.channel_id == channel.id
        if stays and before is not None:
            state.suppress, state.request_to_speak = before.suppress, before.request_to_speak
        elif before is not None:
            await self.sim.voice.close(guild.id, session.bot_id, DISCONNECTED)
        repeated = before == state
        guild.voice_states[session.bot_id] = state
        self._tell(guild, state)
        key = (guild.id, session.bot_id)
        if stays and key in self._given:
            if repeated:
                self._tell_server(session, guild, self._given[key])
            return
        await self._open(session, guild, channel)

    def _state(self, guild: Guild, channel: Channel, user_id: int, session_id: str) -> VoiceState:
        member = guild.members[user_id]
        on_stage = channel.type == ChannelType.STAGE
        quiet = on_stage and not permissions.may(guild, member, channel, Permission.MUTE_MEMBERS)
        return VoiceState(guild.id, channel.id, user_id, session_id, suppress=quiet)

    async def _open(self, session: Session, guild: Guild, channel: Channel) -> None:
        user_id = session.bot_id
        for state in self.sim.world.listeners(guild.id, channel.id):
            if state.user_id not in self.sim.bots.by_id:
                await self.sim.voice.announce(guild.id, state.user_id, channel.id)
        given = await self.sim.voice.open(
            guild.id,
            channel.id,
            user_id,
            session.voice_id,
            stage=channel.type == ChannelType.STAGE,
        )
        self._given[guild.id, user_id] = given
        self._tell_server(session, guild, given)

    def _tell_server(
        self, session: Session, guild: Guild, given: VoiceCredentials | None, token: str = ""
    ) -> None:
        body = {
            "token": given.token if given else token,
            "guild_id": str(guild.id),
            "endpoint": given.endpoint if given else None,
        }
        session.append("VOICE_SERVER_UPDATE", body)

    def _tell(self, guild: Guild, state: VoiceState, *, connected: bool = True) -> None:
        body = payloads.voice_state(self.sim.world, state, connected=connected)
        self.sim.dispatch.emit("VOICE_STATE_UPDATE", body, guild_id=guild.id)
        self.sim.publish("voice_state", body)

    async def join(self, guild: Guild, channel: Channel, user_id: int) -> None:
        """Bring a person into a channel."""
        before = guild.voice_states.get(user_id)
        session_id = before.session_id if before else f"{user_id:032x}"
        state = self._state(guild, channel, user_id, session_id)
        guild.voice_states[user_id] = state
        self._tell(guild, state)
        called = channel.id if self._with_bot(guild, state) else None
        await self.sim.voice.announce(guild.id, user_id, called)

    def _with_bot(self, guild: Guild, state: VoiceState) -> bool:
        """Say whether a bot is in the same channel, and so in the same call."""
        present = self.sim.world.listeners(guild.id, state.channel_id)
        return any(each.user_id in self.sim.bots.by_id for each in present)

    async def leave(self, guild: Guild, user_id: int, code: int = DISCONNECTED) -> bool:
        """Take a user, bot or person, out of voice; false when they were not in."""
        async with self._locks[guild.id, user_id]:
            state = guild.voice_states.pop(user_id, None)
            if state is None:
                return False
            self._given.pop((guild.id, user_id), None)
            self._tell(guild, state, connected=False)
            if user_id in self.sim.bots.by_id:
                await self.sim.voice.close(guild.id, user_id, code)
            else:
                await self.sim.voice.announce(guild.id, user_id, None)
            return True

    async def move(self, guild: Guild, channel: Channel, user_id: int) -> bool:
        """Move a connected user; a bot's voice ends and it is told of a new server."""
        state = guild.voice_states.get(user_id)
        if state is None:
            return False
        session = self.sim.sessions.with_voice_id(state.session_id)
        if session is None:
            await self.join(guild, channel, user_id)
            return True
        wish = Wish(guild.id, channel.id, state.self_mute, state.self_deaf)
        async with self._locks[guild.id, user_id]:
            await self._enter(session, guild, channel, wish)
        return True

    def changed(self, guild: Guild, user_id: int) -> None:
        """Tell the bots that someone was muted, deafened or asked to speak."""
        state = guild.voice_states.get(user_id)
        if state is not None:
            self._tell(guild, state)

    async def relocate(
        self, guild: Guild, user_id: int, region: str | None, code: int, pause: float
    ) -> bool:
        """Move a bot's voice server: endpoint null, the old one ends, then a new one is named."""
        state = guild.voice_states.get(user_id)
        session = self.sim.sessions.with_voice_id(state.session_id) if state else None
        if state is None or session is None:
            return False
        async with self._locks[guild.id, user_id]:
            given = self._given.pop((guild.id, user_id), None)
            self._tell_server(session, guild, None, given.token if given else "")
            await self.sim.voice.close(guild.id, user_id, code)
            await asyncio.sleep(pause)
            if region is not None:
                self.sim.voice.place(guild.id, region)
            await self._open(session, guild, guild.channels[state.channel_id])
        return True

    async def empty(self, guild: Guild, channel: Channel) -> None:
        """Take everyone out of a channel that is going away."""
        for state in self.sim.world.listeners(guild.id, channel.id):
            await self.leave(guild, state.user_id)

    async def session_ended(self, session: Session) -> None:
        """End the voice connections that belonged to a gateway session."""
        for guild_id in [guild for guild, user in self._given if user == session.bot_id]:
            guild = self.sim.world.guilds.get(guild_id)
            state = guild.voice_states.get(session.bot_id) if guild else None
            if guild and state is not None and state.session_id == session.voice_id:
                await self.leave(guild, session.bot_id)
