"""Bringing the bot into voice channels: op 4, paced, and what Discord made of it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from legato.contracts.actions import JoinVoice
from legato.gateway import permissions
from legato.gateway.permissions import Permission
from legato.gateway.shard_state import ShardState
from legato.gateway.voice_pace import Pace, Turn

ANSWER_WITHIN = timedelta(seconds=2)
_FOLLOWED = 5.0
"""Seconds in which what Discord tells of a guild's voice counts as the answer to a join."""


class Line(Protocol):
    """The shard's connection, and the way back to the players."""

    async def join_voice(self, guild_id: int, channel_id: int | None) -> bool:
        """Send op 4; False when there is no connection."""

    async def voice_refused(self, guild_id: int, channel_id: int, reason: str) -> None:
        """Tell the guild's player that it did not work. Raises Unavailable."""

    async def own_voice(self, guild_id: int) -> None:
        """Tell the guild's player once more where the bot is. Raises Unavailable."""


@dataclass(slots=True)
class _Wish:
    action: JoinVoice
    answered: asyncio.Event
    is_newest: bool = True
    turn: Turn | None = None
    """Its place in the line that it stands in."""

    def give_way(self) -> None:
        """Be over: a newer wish of the same guild is here."""
        self.is_newest = False
        self.answered.set()
        if self.turn is not None and not self.turn.done():
            self.turn.set_result(None)


class Voice:
    """One shard's ways into voice; per guild the latest wish wins."""

    def __init__(
        self, state: ShardState, line: Line, *, answer_within: timedelta = ANSWER_WITHIN
    ) -> None:
        self._state = state
        self._line = line
        self._answer_within = answer_within.total_seconds()
        self._wishes: dict[int, _Wish] = {}
        self._pace = Pace()
        self._traces: dict[int, tuple[float, str]] = {}

    async def join(self, action: JoinVoice) -> None:
        """Do what a player wishes; returns once Discord answered, refused or stayed silent."""
        wish = _Wish(action, asyncio.Event())
        last = self._wishes.get(action.guild_id)
        if last is not None:
            last.give_way()
        self._wishes[action.guild_id] = wish
        try:
            await self._fulfil(wish)
        finally:
            if self._wishes.get(action.guild_id) is wish:
                del self._wishes[action.guild_id]

    def answered(self, guild_id: int) -> None:
        """Note that Discord told the bot's voice state in a guild."""
        wish = self._wishes.get(guild_id)
        if wish is not None:
            wish.answered.set()

    def trace_of(self, guild_id: int) -> str:
        """Return the trace of a join that was just asked for."""
        until, trace = self._traces.get(guild_id, (0.0, ""))
        return trace if asyncio.get_running_loop().time() < until else ""

    def _note_trace(self, action: JoinVoice) -> None:
        now = asyncio.get_running_loop().time()
        fresh = {guild: noted for guild, noted in self._traces.items() if noted[0] > now}
        self._traces = {**fresh, action.guild_id: (now + _FOLLOWED, action.traceparent)}

    async def _fulfil(self, wish: _Wish) -> None:
        action = wish.action
        self._note_trace(action)
        channel_id = action.channel_id
        if channel_id is None:
            await self._send(wish, None)
            return
        if self._may_not_enter(action.guild_id, channel_id):
            await self._line.voice_refused(action.guild_id, channel_id, "no_connect")
            return
        if action.rejoin and self._state.voice_of(action.guild_id).own_channel is not None:
            await self._send(wish, None)
            await self._wait(wish)
            wish.answered.clear()
        await self._send(wish, channel_id)
        if await self._wait(wish) or not wish.is_newest:
            return
        if self._state.voice_of(action.guild_id).own_channel == channel_id:
            await self._line.own_voice(action.guild_id)  # it was there all along
        else:
            await self._line.voice_refused(action.guild_id, channel_id, "no_voice_answer")

    async def _send(self, wish: _Wish, channel_id: int | None) -> None:
        while wish.is_newest:
            wish.turn = self._pace.turn(mends=wish.action.rejoin)
            await wish.turn
            if not wish.is_newest or await self._line.join_voice(wish.action.guild_id, channel_id):
                return
            await asyncio.sleep(0.25)

    async def _wait(self, wish: _Wish) -> bool:
        try:
            async with asyncio.timeout(self._answer_within):
                await wish.answered.wait()
        except TimeoutError:
            return False
        return True

    def _may_not_enter(self, guild_id: int, channel_id: int) -> bool:
        """Say whether Discord would surely stay silent."""
        facts = self._state.facts_of(guild_id)
        channel = facts.channels.get(channel_id)
        if channel is None:
            return False
        roles, bot = facts.bot_roles, self._state.bot
        bits = permissions.in_guild(facts, guild_id, bot, roles)
        bits = permissions.in_channel(bits, channel, guild_id=guild_id, user_id=bot, roles=roles)
        return not bits & Permission.VIEW_CHANNEL or not bits & Permission.CONNECT
