"""What becomes of each interaction: checked, refused or sent on, deferred in time, answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import msgspec

from legato import telemetry
from legato.clock import ServerClock, snowflake_time
from legato.contracts import actions, keys
from legato.contracts.playback import Origin
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import NowPlaying
from legato.errors import Unavailable
from legato.gateway import addresses, answers, checks, discord, events, tickets, urls
from legato.gateway.asked import Asked, Envelope, message, of_button, of_command
from legato.gateway.conversation import Conversation, Ticket
from legato.gateway.guild_settings import SettingsCache
from legato.gateway.metrics import Metrics
from legato.gateway.panels import Panels
from legato.gateway.producer import Producer
from legato.gateway.shard_state import ShardState
from legato.gateway.shard_store import OpenInteraction
from legato.gateway.suggestions import Suggestions
from legato.limits import Limits, Policy
from legato.redis import Client, reaching

_TOKEN_LIFE = timedelta(minutes=15)
PER_USER = Policy("user", 8, timedelta(seconds=12))
PER_GUILD = Policy("guild", 40, timedelta(seconds=20))
_RETRY = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between attempts at an answer while Discord is away."""

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Manners:
    """How people are treated."""

    direct: timedelta = timedelta(seconds=1.5)
    """An answer later than this is deferred first; Discord waits 3 s."""
    patience: timedelta = timedelta(seconds=8)
    """How long a command waits for Redis before its asker is told to try again."""
    per_user: Policy = PER_USER
    per_guild: Policy = PER_GUILD
    allowed: tuple[str, ...] = ()
    """Exact `host:port` exceptions for links."""


class Home(Protocol):
    """The shard an interaction came by."""

    @property
    def state(self) -> ShardState:
        """Return what the shard knows of its guilds."""

    async def note_open(self, interaction: OpenInteraction) -> None:
        """Leave word that it waits, for whoever owns the shard next."""

    async def note_answered(self, interaction_id: int) -> None:
        """Take that word back."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Everything an interaction may need on its way."""

    bot: int
    redis: Client
    rest: discord.Rest
    producer: Producer
    settings: SettingsCache
    limits: Limits
    panels: Panels
    clock: ServerClock
    metrics: Metrics
    tracing: telemetry.Tracing
    suggestions: Suggestions
    manners: Manners


@dataclass(slots=True)
class _Open:
    conversation: Conversation
    home: Home | None
    received_at: int


class Interactions:
    """The interactions of all shards of this process."""

    def __init__(self, ways: Ways, tasks: asyncio.TaskGroup) -> None:
        self._ways = ways
        self._tasks = tasks
        self._open: dict[int, _Open] = {}
        self._timers: set[asyncio.Task[None]] = set()

    def end(self) -> None:
        """Stop waiting; what is open was deferred with its shard."""
        for timer in self._timers:
            timer.cancel()

    async def take(self, event: events.Interaction, home: Home, *, replayed: bool = False) -> None:
        """Handle one interaction up to where its answer is somebody else's; a repeat is nothing."""
        if event.id in self._open:
            return
        now = self._ways.clock.now()
        received = snowflake_time(event.id) if replayed else now
        ticket = tickets.ticket(event)
        opened = _Open(Conversation(ticket, self._ways.rest), home, min(received, now))
        self._open[event.id] = opened
        about = {"legato.guild": str(event.guild_id or 0), "legato.interaction": str(event.id)}
        with self._ways.tracing.span("interaction", attributes=about):
            try:
                await self._dispatch(event, opened, home)
            except (discord.Refused, Unavailable) as error:
                self._forget(event.id)
                self._count_error(error)

    async def _dispatch(self, event: events.Interaction, opened: _Open, home: Home) -> None:
        match event.type:
            case events.AUTOCOMPLETE:
                await self._suggest(event, opened)
            case events.COMMAND:
                self._defer_in_time(opened)
                await self._run(event, of_command(event.data), opened, home)
            case events.COMPONENT:
                self._defer_in_time(opened)
                asked = of_button(event.data.custom_id)
                if isinstance(asked, Asked):
                    await self._run(event, asked, opened, home)
                else:
                    await self._refuse(event, opened, asked)
            case _:
                self._forget(event.id)

    async def _run(
        self, event: events.Interaction, asked: Asked, opened: _Open, home: Home
    ) -> None:
        kind = "button" if event.type == events.COMPONENT else "command"
        known = asked.path if asked.command is not None else "unknown"
        self._ways.metrics.interactions.labels(kind, known).inc()
        try:
            reason = await self._reason_against(event, asked, home)
        except Unavailable:
            reason = "busy"
        if reason is not None:
            await self._refuse(event, opened, reason)
        elif asked.path == "help":
            await opened.conversation.say(answers.help_page(event.locale))
            self._done(event.id, "direct")
        else:
            await self._send_on(event, asked, opened, home)

    async def _reason_against(
        self, event: events.Interaction, asked: Asked, home: Home
    ) -> str | None:
        """Find the first reason to refuse, cheap ones first."""
        guild_id = event.guild_id
        if guild_id is None or event.member is None:
            return "not_in_guild"
        ways = self._ways
        if await self._is_too_much(event.user_id, guild_id):
            return "rate_limited"
        place = self._place(guild_id, home, await ways.settings.of(guild_id))
        asker = checks.Asker(event.user_id, event.member.roles, event.member.permissions)
        reason = checks.check(asked, asker, place, allowed=ways.manners.allowed)
        if reason is not None:
            return reason
        if asked.path == "play" and await self._leads_inside(asked):
            return "private_address"
        if asked.play_id is not None and await self._is_old_panel(event, guild_id, asked.play_id):
            return "old_panel"
        return "busy" if await ways.producer.is_crowded(guild_id) else None

    async def _is_too_much(self, user_id: int, guild_id: int) -> bool:
        """Take the person's token first: what they are refused must not use up the guild's."""
        limits, manners = self._ways.limits, self._ways.manners
        if await limits.take(manners.per_user, user_id):
            return True
        return bool(await limits.take(manners.per_guild, guild_id))

    async def _leads_inside(self, asked: Asked) -> bool:
        link = urls.read(asked.text("query"), allowed=self._ways.manners.allowed)
        return isinstance(link, urls.Link) and await addresses.is_private(link)

    async def _is_old_panel(self, event: events.Interaction, guild_id: int, play_id: str) -> bool:
        """Tell a button of the guild's panel from one of a message left behind.

        Where the panel's message is not known, as after a restart, what plays now decides.
        """
        if event.message is None:
            return True
        if self._ways.panels.is_current(guild_id, event.message.id):
            return False
        with reaching("live state"):
            raw = await self._ways.redis.get(keys.live(self._ways.bot, guild_id))
        return raw is None or msgspec.json.decode(raw, type=NowPlaying).play_id != play_id

    def _place(self, guild_id: int, home: Home, settings: GuildSettings) -> checks.Place:
        state = home.state
        return checks.Place(
            guild_id, state.bot, state.voice_of(guild_id), state.facts_of(guild_id), settings
        )

    async def _send_on(
        self, event: events.Interaction, asked: Asked, opened: _Open, home: Home
    ) -> None:
        guild_id = event.guild_id or 0
        origin = tickets.origin(event, opened.received_at)
        envelope = Envelope(event.id, guild_id, origin, opened.received_at)
        channel = home.state.voice_of(guild_id).channel_of(event.user_id) or 0
        command = message(asked, envelope, voice_channel_id=channel)
        if command is None:
            await self._refuse(event, opened, "invalid")
            return
        note = tickets.note(opened.conversation.ticket, opened.received_at)
        try:
            async with asyncio.timeout(self._ways.manners.patience.total_seconds()):
                await asyncio.gather(
                    _insist(lambda: self._ways.producer.send(command)),
                    _insist(lambda: home.note_open(note)),
                )
        except TimeoutError:
            await self._refuse(event, opened, "busy")

    async def _refuse(self, event: events.Interaction, opened: _Open, reason: str) -> None:
        self._ways.metrics.refused.labels(reason).inc()
        await opened.conversation.say(answers.refusal(reason, event.locale))
        self._done(event.id, "refused")

    async def _suggest(self, event: events.Interaction, opened: _Open) -> None:
        """Answer while somebody types; an empty list is the answer when nothing comes in time."""
        self._ways.metrics.interactions.labels("autocomplete", event.data.name[:32]).inc()
        await opened.conversation.offer(await self._ways.suggestions.find(event))
        self._done(event.id, "autocomplete")

    async def reply(self, reply: actions.Reply) -> None:
        """Answer with what became of a command, whoever received it. Raises Unavailable."""
        origin = reply.origin
        opened = self._open.get(origin.interaction_id) or self._stranger(origin)
        conversation, answer = opened.conversation, reply.answer
        how = "deferred" if conversation.state == "deferred" else "direct"
        parent = reply.traceparent or origin.traceparent
        about = {"legato.interaction": str(origin.interaction_id)}
        with self._ways.tracing.span("reply", parent=parent, attributes=about):
            await _patiently(lambda: self._speak(conversation, answer, origin))
        if isinstance(answer, actions.Refused):
            self._ways.metrics.refused.labels(answer.reason).inc()
        self._count_lateness(conversation)
        took = (self._ways.clock.now() - origin.received_at) / 1000
        self._ways.metrics.answer_seconds.labels(how).observe(max(took, 0))
        self._done(origin.interaction_id, None)

    async def _speak(
        self, conversation: Conversation, answer: actions.Answer, origin: Origin
    ) -> None:
        said = answers.message(answer, origin.locale)
        try:
            match answer:
                case actions.QueuePage() if origin.source == "component":
                    await conversation.turn(said)
                case actions.Done() | actions.Queued() if origin.source == "component":
                    await conversation.acknowledge()
                case _:
                    await conversation.say(said)
        except discord.Refused as refused:
            self._count_error(refused)

    def _stranger(self, origin: Origin) -> _Open:
        """Take up an interaction that another process received."""
        age = self._ways.clock.now() - origin.received_at
        is_young = age < self._ways.manners.direct / timedelta(milliseconds=1) + 1000
        ticket = Ticket(
            origin.interaction_id,
            self._ways.bot,
            origin.token,
            is_button=origin.source == "component",
        )
        state = "open" if is_young else "deferred"
        conversation = Conversation(ticket, self._ways.rest)
        if state == "deferred":
            conversation.state = "deferred"
        return _Open(conversation, None, origin.received_at)

    def adopt(self, left: OpenInteraction, home: Home) -> None:
        """Take over an interaction that the shard's last owner left open: defer it in time."""
        age = self._ways.clock.now() - left.received_at
        if left.id in self._open or age > _TOKEN_LIFE / timedelta(milliseconds=1):
            return
        ticket = Ticket(
            left.id, left.application_id, left.token, is_button=left.is_button, hidden=left.hidden
        )
        opened = _Open(Conversation(ticket, self._ways.rest), home, left.received_at)
        self._open[left.id] = opened
        self._defer_in_time(opened)

    async def defer_all(self, home: Home) -> None:
        """Defer what is still open, before the shard goes to another process."""
        waiting = [one for one in self._open.values() if one.home is home]
        await asyncio.gather(*(self._defer(one) for one in waiting))
        for one in waiting:
            self._forget(one.conversation.ticket.id)

    async def sweep(self) -> None:
        """Forget what can't be answered any more."""
        oldest = self._ways.clock.now() - _TOKEN_LIFE / timedelta(milliseconds=1)
        for number, opened in [*self._open.items()]:
            if opened.received_at < oldest:
                self._forget(number)

    def _defer_in_time(self, opened: _Open) -> None:
        age = (self._ways.clock.now() - opened.received_at) / 1000
        delay = max(self._ways.manners.direct.total_seconds() - age, 0)
        timer = self._tasks.create_task(self._defer_after(delay, opened))
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    async def _defer_after(self, delay: float, opened: _Open) -> None:
        await asyncio.sleep(delay)
        await self._defer(opened)

    async def _defer(self, opened: _Open) -> None:
        try:
            if await opened.conversation.defer():
                self._ways.metrics.deferred.inc()
                if opened.home is not None:
                    await opened.home.note_answered(opened.conversation.ticket.id)
        except (discord.Refused, Unavailable) as error:
            self._count_error(error)

    def _done(self, interaction_id: int, how: str | None) -> None:
        opened = self._forget(interaction_id)
        if opened is None:
            return
        if how is not None:
            self._count_lateness(opened.conversation)
            took = (self._ways.clock.now() - opened.received_at) / 1000
            self._ways.metrics.answer_seconds.labels(how).observe(max(took, 0))
        elif opened.home is not None:
            self._tasks.create_task(self._take_back(opened.home, interaction_id))

    async def _take_back(self, home: Home, interaction_id: int) -> None:
        try:
            await home.note_answered(interaction_id)
        except Unavailable as error:
            _log.warning("an answered interaction still counts as open", why=str(error))

    def _count_lateness(self, conversation: Conversation) -> None:
        if conversation.was_too_late:
            self._ways.metrics.too_late.inc()
            _log.info("discord took an answer no more", interaction=conversation.ticket.id)

    def _forget(self, interaction_id: int) -> _Open | None:
        return self._open.pop(interaction_id, None)

    def _count_error(self, error: discord.Refused | Unavailable) -> None:
        status = str(error.status) if isinstance(error, discord.Refused) else "unavailable"
        self._ways.metrics.discord_errors.labels(status).inc()
        _log.warning("an interaction was not answered", why=str(error))


async def _insist(send: Callable[[], Awaitable[None]]) -> None:
    """Try again while Redis is away, until the caller's time is up."""
    while True:
        try:
            await send()
        except Unavailable:
            await asyncio.sleep(0.2)
        else:
            return


async def _patiently(send: Callable[[], Awaitable[None]]) -> None:
    """Try again while Discord is away; the last failure propagates."""
    for pause in _RETRY:
        try:
            await send()
        except Unavailable:
            await asyncio.sleep(pause)
        else:
            return
    await send()
