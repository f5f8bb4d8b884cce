"""IDENTIFY and RESUME: who may have a session, which one, and when it ends. It knows no sockets."""

from dataclasses import dataclass

from legato_simulator import intents, payloads, snowflakes
from legato_simulator.attendance import Attendance
from legato_simulator.bots import Bot
from legato_simulator.identifies import Verdict
from legato_simulator.json_values import Json
from legato_simulator.recorder import SessionEvent
from legato_simulator.sessions import Session
from legato_simulator.simulation import Simulation


class Refused(Exception):
    """The connection is closed with a code, or told op 9 when there is none."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True)
class Logins:
    """Opens, resumes and ends gateway sessions."""

    sim: Simulation
    attendance: Attendance

    async def identify(self, data: Json) -> Session:
        """Open a session, or refuse it with Discord's close code or op 9."""
        bot = self._bot(data)
        shard = self._shard(data)
        bits = data.get("intents")
        if not isinstance(bits, int) or not intents.known(bits):
            raise Refused(4013, "Invalid intent(s).")
        if intents.refused(bits, self.sim.settings.privileged_intents):
            raise Refused(4014, "Disallowed intent(s).")
        self._check_size(bot, shard)
        await self._check_allowance(bot, shard[0])
        session = Session(bot.id, shard, bits, keep=self.sim.settings.replay_events)
        self.sim.sessions.add(session)
        self.note("identified", session)
        return session

    def _bot(self, data: Json) -> Bot:
        token = data.get("token")
        bot = (
            self.sim.bots.with_token(token.removeprefix("Bot ")) if isinstance(token, str) else None
        )
        if bot is None:
            raise Refused(4004, "Authentication failed.")
        return bot

    def _shard(self, data: Json) -> tuple[int, int]:
        match data.get("shard", [0, 1]):
            case [int(number), int(count)] if 0 <= number < count:
                multiple = self.sim.settings.shard_multiple
                if count == 1 or count % multiple == 0:
                    return number, count
        raise Refused(4010, "Invalid shard.")

    def _check_size(self, bot: Bot, shard: tuple[int, int]) -> None:
        if len(self.guilds_of(bot.id, shard)) > self.sim.settings.guilds_per_shard:
            raise Refused(4011, "Sharding required.")

    async def _check_allowance(self, bot: Bot, shard_id: int) -> None:
        now = self.sim.clock.monotonic()
        match self.sim.identifies(bot).judge(shard_id, now, self.sim.lateness.worst):
            case Verdict.TOO_SOON:
                detail = f"shard {shard_id}: another IDENTIFY of its bucket within the window"
                self.sim.recorder.violation(now, "identify_concurrency", detail)
                raise Refused(None, "Too many identifies at once.")
            case Verdict.SPENT:
                self.sim.recorder.violation(now, "identify_limit", f"shard {shard_id}")
                self.sim.bots.reset_token(bot)
                for session in self.sim.sessions.of_bot(bot.id):
                    await self.end(session, code=4004, reason="Authentication failed.")
                raise Refused(4004, "Authentication failed.")
            case Verdict.ALLOWED:
                return

    def guilds_of(self, bot_id: int, shard: tuple[int, int]) -> list[int]:
        """List the guilds that one shard of a bot carries."""
        number, count = shard
        return [
            guild.id
            for guild in self.sim.world.guilds.values()
            if bot_id in guild.members and snowflakes.shard_of(guild.id, count) == number
        ]

    def ready(self, session: Session) -> Json:
        """Write READY."""
        user = self.sim.world.users[session.bot_id]
        guilds = self.guilds_of(session.bot_id, session.shard)
        carries = session.intents & intents.Intent.GUILDS
        listed = [{"id": str(each), "unavailable": True} for each in guilds] if carries else []
        return {
            "v": 10,
            "user": payloads.own_user(user),
            "guilds": listed,
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.sim.gateway_url,
            "shard": list(session.shard),
            "application": {"id": str(session.bot_id), "flags": 0},
            "user_settings": {},
            "relationships": [],
            "private_channels": [],
            "presences": [],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": ["local"],
            "_trace": ["legato_simulator"],
        }

    def resume(self, data: Json) -> tuple[Session, int]:
        """Find the session to go on with, and from where; refuse it with op 9 or 4007."""
        bot = self._bot(data)
        session = self.sim.sessions.by_id.get(str(data.get("session_id")))
        seq = data.get("seq")
        if session is None or session.bot_id != bot.id:
            raise Refused(None, "Unknown session.")
        if not isinstance(seq, int) or seq > session.seq or seq < 0:
            raise Refused(4007, "Invalid seq.")
        if not session.can_resume(seq):
            raise Refused(None, "Too old to replay.")
        if session.link is not None:
            self.note("replaced", session)
            session.link.end(4000, "The session was resumed on another connection.")
        session.left_at = None
        session.append("RESUMED", {"_trace": ["legato_simulator"]})
        self.note("resumed", session, f"from seq {seq} of {session.seq}")
        return session, seq

    def leave(self, session: Session, why: str) -> None:
        """Note that a session has no connection now and waits for a RESUME."""
        session.link = None
        session.left_at = self.sim.clock.monotonic()
        self.note("disconnected", session, why)

    async def end(self, session: Session, *, code: int | None = None, reason: str = "") -> None:
        """End a session for good, with the voice connections that belong to it."""
        if not self.sim.sessions.remove(session):
            return
        self.note("ended", session, reason)
        link, session.link = session.link, None
        if link is not None and code is not None:
            link.end(code, reason)
        await self.attendance.session_ended(session)

    async def sweep(self) -> None:
        """End the sessions nobody resumed in time."""
        now = self.sim.clock.monotonic()
        for session in self.sim.sessions.expired(now, self.sim.settings.session_ttl):
            await self.end(session, reason="Not resumed in time.")

    def note(self, kind: str, session: Session | None, detail: str = "") -> None:
        """Record what became of a session."""
        event = SessionEvent(
            at=self.sim.clock.monotonic(),
            kind=kind,
            session_id=session.id if session else None,
            shard=session.shard if session else None,
            detail=detail,
        )
        self.sim.recorder.session(event)
        self.sim.feed.wake()
