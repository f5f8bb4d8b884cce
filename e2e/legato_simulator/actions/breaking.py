"""What a script lets go wrong: connections, sessions, REST answers, voice servers."""

from dataclasses import dataclass

from legato_simulator.actions.subjects import Subjects
from legato_simulator.faults import IdentifyFault, RestFault
from legato_simulator.gateway import INVALID_SESSION, RECONNECT, Connection
from legato_simulator.sessions import Session
from legato_simulator.views import ScriptError


@dataclass(slots=True)
class Breaking:
    """Injects faults. Those over connections return how many connections they hit."""

    of: Subjects

    def _sessions(self, bot: str | None, shard: int | None) -> list[Session]:
        bot_id = self.of.bot(bot).id if bot else None
        return [
            session
            for session in self.of.sim.sessions.by_id.values()
            if (bot_id is None or session.bot_id == bot_id)
            and (shard is None or session.shard[0] == shard)
        ]

    def _connections(self, bot: str | None, shard: int | None) -> list[Connection]:
        links = [session.link for session in self._sessions(bot, shard)]
        return [link for link in links if isinstance(link, Connection)]

    async def drop_connection(self, bot: str | None = None, shard: int | None = None) -> int:
        """Reset the TCP connection of a bot's shards, or of everyone's."""
        hit = self._connections(bot, shard)
        for connection in hit:
            connection.drop()
        return len(hit)

    async def swallow_connection(self, bot: str | None = None, shard: int | None = None) -> int:
        """Stop reading and writing, and keep the TCP connection open."""
        hit = self._connections(bot, shard)
        for connection in hit:
            connection.swallow()
        return len(hit)

    async def close_connection(
        self, code: int, bot: str | None = None, shard: int | None = None
    ) -> int:
        """Close the websocket with any code."""
        hit = self._connections(bot, shard)
        for connection in hit:
            connection.end(code, "A fault that was asked for.")
        return len(hit)

    async def ask_reconnect(self, bot: str | None = None, shard: int | None = None) -> int:
        """Send op 7."""
        hit = self._connections(bot, shard)
        for connection in hit:
            connection.tell(RECONNECT)
        return len(hit)

    async def ask_heartbeat(self, bot: str | None = None, shard: int | None = None) -> int:
        """Send op 1: the client should send a heartbeat at once."""
        hit = self._connections(bot, shard)
        for connection in hit:
            connection.tell(1)
        return len(hit)

    async def invalidate_session(
        self, resumable: bool, bot: str | None = None, shard: int | None = None
    ) -> int:
        """Send op 9; a session that is not resumable is gone, with its voice connections."""
        hit = 0
        for session in self._sessions(bot, shard):
            link = session.link
            if isinstance(link, Connection):
                link.tell(INVALID_SESSION, resumable)
                hit += 1
            if not resumable:
                if isinstance(link, Connection):
                    link.session = None
                await self.of.logins.end(session, reason="op 9 was asked for")
        return hit

    async def fail_requests(self, fault: RestFault) -> None:
        """Let the next matching REST requests go wrong."""
        self.of.sim.faults.arm_rest(fault)

    async def fail_identifies(self, fault: IdentifyFault) -> None:
        """Delay or refuse the next identifies, or slow down READY."""
        self.of.sim.faults.arm_identify(fault)

    async def duplicate_interactions(self, count: int = 1) -> None:
        """Deliver the next interactions twice."""
        self.of.sim.faults.duplicate_interactions += count

    async def spend_identifies(self, left: int, bot: str | None = None) -> None:
        """Leave only so many of today's identifies."""
        allowance = self.of.sim.identifies(self.of.bot(bot))
        allowance.restore(max(0, allowance.limit - left), self.of.sim.clock.monotonic())

    async def clear_faults(self) -> None:
        """Let everything go right again."""
        self.of.sim.faults.clear()

    async def move_voice_server(
        self,
        guild: str,
        region: str | None = None,
        bot: str | None = None,
        code: int = 4014,
        pause: float = 0.0,
    ) -> None:
        """Move a bot's voice server: endpoint null, a close, then a new endpoint."""
        home, who = self.of.guild(guild), self.of.bot(bot)
        try:
            moved = await self.of.attendance.relocate(home, who.id, region, code, pause)
        except KeyError as error:
            raise ScriptError(f"There is no voice region {region!r}.") from error
        if not moved:
            raise ScriptError(f"{who.name} is not connected to voice in {home.name}.")

    async def close_voice(self, guild: str, code: int, bot: str | None = None) -> None:
        """Close a bot's voice websocket with a code; the gateway says nothing of it."""
        home, who = self.of.guild(guild), self.of.bot(bot)
        await self.of.sim.voice.close(home.id, who.id, code)

    async def advance_clock(self, seconds: float) -> None:
        """Let time pass at once: deadlines of interactions, sessions and limits."""
        self.of.sim.clock.advance(seconds)
        await self.of.logins.sweep()
