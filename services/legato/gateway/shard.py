"""One shard while it is ours: its connection, events, voice, inbox and interactions, together."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from legato import telemetry
from legato.bus import Bus
from legato.clock import ServerClock
from legato.contracts import voice
from legato.contracts.actions import Actions, JoinVoice, Reply, ShowPanel
from legato.contracts.partitions import Shard
from legato.contracts.voice import Mark
from legato.errors import Unavailable
from legato.gateway import discord_connection, events
from legato.gateway.backlog import Backlog
from legato.gateway.inbox import Inbox
from legato.gateway.intake import Intake
from legato.gateway.interactions import Interactions
from legato.gateway.metrics import Metrics
from legato.gateway.open_notes import OpenNotes
from legato.gateway.panels import Panels
from legato.gateway.producer import Producer
from legato.gateway.shard_state import ShardState, Stamp
from legato.gateway.shard_store import Lost, OpenInteraction, ShardStore
from legato.gateway.turnstile import Permits, Turnstile
from legato.gateway.voice import Voice
from legato.leases import Lease
from legato.redis import Client

FATAL = {
    4004: "DISCORD_TOKEN",
    4010: "SHARDS",
    4011: "SHARDS",
    4012: "the gateway version",
    4013: "the intents",
    4014: "the intents",
}
"""Closes that trying again never mends, and what is wrong then.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
"""
_SETTLE = timedelta(seconds=1)
"""For interactions that came last to reach their players: who asked waits 3 s at most."""
_ANSWERABLE = timedelta(seconds=3)
"""Nothing can be deferred any more after this."""
_DRAIN = timedelta(seconds=4)
_RECONNECT_SECONDS = 5.0
_RETRY_SECONDS = 0.5
_LOOK_AGAIN = 0.1
_UNSURE = 1.5
"""Seconds that an interaction waits for word of the lease, of the 3 that Discord waits."""

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What every shard of this process shares."""

    redis: Client
    bus: Bus
    link: discord_connection.Link
    bot_user: int
    producer: Producer
    interactions: Interactions
    panels: Panels
    permits: Permits
    backlog: Backlog
    clock: ServerClock
    metrics: Metrics
    tracing: telemetry.Tracing


class ShardRun:
    """Everything of one shard, from taking the lease to giving it up."""

    def __init__(self, shard: Shard, lease: Callable[[], Lease | None], means: Means) -> None:
        self.shard = shard
        self.state = ShardState(means.bot_user)
        self._lease = lease
        self._means = means
        self._store = ShardStore(means.redis, shard)
        self._notes = OpenNotes(self._store)
        self._intake = Intake(
            self.state, self._store, means.producer, means.clock, means.metrics, means.backlog
        )
        self._turnstile = Turnstile(shard.index, lease, means.permits)
        self._voice = Voice(self.state, self)
        self._inbox = Inbox(means.bus, self._store, shard, do=self._do, metrics=means.metrics)
        self._connection: discord_connection.Connection | None = None
        self._told = 0
        self._running: asyncio.Task[None] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._intake.on_own_voice = self._voice.answered
        self._intake.trace_of = self._voice.trace_of
        self._intake.on_session = self._begin_session

    @property
    def is_connected(self) -> bool:
        """Say whether its gateway session is live."""
        return self._connection is not None and self._connection.is_connected

    @property
    def has_session(self) -> bool:
        """Say whether a session was begun, here or by an owner before."""
        return self._intake.session is not None

    @property
    def latency(self) -> float:
        """Tell the heartbeat's round trip in seconds; NaN before the first."""
        return self._connection.latency if self._connection is not None else float("nan")

    @property
    def waiting(self) -> int:
        """Count the events not acknowledged yet."""
        return self._intake.waiting

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin; what fails for good propagates through the group."""
        self._running = tasks.create_task(self._run(), name=f"shard {self.shard}")

    async def stop(self, *, keep: bool) -> None:
        """End; with `keep` (the lease is still ours) leave everything to the next owner.

        The connection ends first: what comes from then on is replayed to the next.
        """
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        lease = self._lease()
        if keep and lease is not None:
            await self._settle()
            await self._drain(lease)
        self._means.interactions.forget_all(self)
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        self._means.panels.forget(self)

    async def _settle(self) -> None:
        """Let what is on its way arrive, and defer what waits for its answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE.total_seconds()):
                await self._intake.idle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWERABLE.total_seconds()):
                await self._means.interactions.defer_all(self)

    async def drop(self) -> None:
        """Break the connection, for tests and drills; it resumes."""
        if self._connection is not None:
            await self._connection.drop()

    async def _drain(self, lease: Lease) -> None:
        try:
            async with asyncio.timeout(_DRAIN.total_seconds()):
                await self._intake.drain(lease)
                await self._inbox.commit(lease)
                await self._notes.write(lease)
        except (Lost, Unavailable, TimeoutError) as error:
            _log.warning("not everything was written", shard=str(self.shard), why=repr(error))

    async def _run(self) -> None:
        await self._load()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._intake.run(self._lease, self._interact))
                tasks.create_task(self._inbox.run(self._lease))
                tasks.create_task(self._notes.run(self._lease))
                tasks.create_task(self._stop_reading_when_full())
                self._connecting = tasks.create_task(self._stay_connected())
        except* Lost:
            _log.warning("the shard is another's", shard=str(self.shard))

    async def _load(self) -> None:
        while True:
            try:
                await self._store.load(self.state)
                session = await self._store.session()
                left = await self._store.open()
            except Unavailable as error:
                _log.warning("a shard waits for redis", shard=str(self.shard), why=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if session is not None:
                self.state.bot = session.user_id
                self._intake.resume(session)
            self._notes.left_by_another({interaction.id for interaction in left})
            for interaction in left:
                self._means.interactions.adopt(interaction, self)
            return

    async def _stay_connected(self) -> None:
        while True:
            shard = self.shard
            connection = discord_connection.Connection(
                self._means.link, shard.index, shard.count, gate=self, sink=self._intake
            )
            session = self._intake.session
            if session is not None:
                connection.resume(session)
            self._connection = connection
            try:
                await connection.run()
            except discord_connection.Ended as ended:
                if ended.code in FATAL:
                    raise
                _log.warning("discord ended the session", shard=str(shard), code=ended.code)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def may_connect(self, *, resuming: bool) -> None:
        """Gate: the lease, and a permit for a new session."""
        self._intake.replaying = resuming
        await self._means.backlog.room()
        await self._turnstile.may_connect(resuming=resuming)

    async def may_identify(self) -> None:
        """Gate: the permit once more, in the moment it is used."""
        await self._turnstile.may_identify()

    async def _stop_reading_when_full(self) -> None:
        """Break the connection where too much waits to be written, until there is room."""
        backlog = self._means.backlog
        while True:
            await backlog.full()
            self._means.metrics.overflows.inc()
            _log.warning("too many events wait for redis", shard=str(self.shard))
            await self.drop()
            await backlog.room()

    def _begin_session(self, name: str) -> None:
        if name == "RESUMED":
            self._turnstile.note_resumed()

    async def _stands(self, within: float = math.inf) -> bool:
        """Wait until we know whether the shard is ours, which who was frozen does not."""
        until = time.monotonic() + within
        while (lease := self._lease()) is not None:
            now = time.monotonic()
            if lease.left_alone(now=now):
                return True
            if now > until:
                return False
            await asyncio.sleep(_LOOK_AGAIN)
        return False

    async def _interact(self, event: events.Interaction, replayed: bool) -> None:
        if await self._stands(_UNSURE):
            await self._means.interactions.take(event, self, replayed=replayed)
        elif self._lease() is not None:
            await self._means.interactions.turn_away(event)

    async def _do(self, action: Actions) -> None:
        if not await self._stands():
            return
        match action:
            case Reply():
                await self._means.interactions.reply(action)
            case JoinVoice():
                with self._span("join voice", action):
                    await self._voice.join(action)
            case ShowPanel():
                with self._span("show panel", action):
                    await self._means.panels.show(action, self)

    def _span(self, name: str, action: Actions) -> AbstractContextManager[object]:
        about = {"legato.guild": str(action.guild_id)}
        return self._means.tracing.span(name, parent=action.traceparent, attributes=about)

    def note_open(self, interaction: OpenInteraction) -> None:
        """Home: leave word of an open interaction."""
        self._notes.add(interaction)

    def note_answered(self, interaction_id: int) -> None:
        """Home: take it back."""
        self._notes.remove(interaction_id)

    async def join_voice(self, guild_id: int, channel_id: int | None) -> bool:
        """Line: op 4; False where it can't be sent, or the shard may be another's."""
        connection, lease = self._connection, self._lease()
        if connection is None or lease is None or not lease.left_alone(now=time.monotonic()):
            return False
        return await connection.join_voice(guild_id, channel_id)

    async def voice_refused(self, guild_id: int, channel_id: int, reason: str) -> None:
        """Line: tell the player that a join led nowhere."""
        stamp = self._own_stamp()
        self._intake.tell(
            voice.VoiceRefused(
                guild_id=guild_id,
                mark=stamp.mark,
                at=stamp.now,
                channel_id=channel_id,
                reason=reason,
            )
        )

    async def own_voice(self, guild_id: int) -> None:
        """Line: tell the player where the bot is."""
        self._intake.tell(self.state.own_state(guild_id, self._own_stamp()))

    async def panel_shown(self, guild_id: int, channel_id: int, message_id: int) -> None:
        """Herald: tell the player where its panel is."""
        stamp = self._own_stamp()
        self._intake.tell(
            voice.PanelShown(
                guild_id=guild_id,
                mark=stamp.mark,
                at=stamp.now,
                channel_id=channel_id,
                message_id=message_id,
            )
        )

    def knows(self, guild_id: int) -> bool:
        """Herald: whether the bot is in the guild."""
        return guild_id in self.state.facts

    def locale_of(self, guild_id: int) -> str:
        """Herald: the guild's own language."""
        return self.state.facts_of(guild_id).locale

    def _own_stamp(self) -> Stamp:
        """Mark what comes from us and not from Discord: a session of its own, counted on."""
        self._told += 1
        lease = self._lease()
        epoch = lease.epoch if lease is not None else 0
        return Stamp(Mark(session=f"own-{epoch}", seq=self._told), self._means.clock.now())
