"""What becomes of each interaction: checked, refused or sent on, deferred in time, answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from legato import telemetry
from legato.clock import snowflake_time
from legato.contracts import actions
from legato.contracts.playback import Origin, Playback
from legato.errors import Unavailable
from legato.gateway import answers, discord, events, shedding, tickets
from legato.gateway.asked import SOON, Asked, Envelope, message, of_button, of_command
from legato.gateway.conversation import Conversation, Ticket
from legato.gateway.passage import Trip
from legato.gateway.screening import Screening
from legato.gateway.shard_store import OpenInteraction
from legato.gateway.ways import Home, Ways

_TOKEN_LIFE = timedelta(minutes=15)
_RETRY = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between attempts at an answer while Discord is away."""

_log = telemetry.logger(__name__)


@dataclass(slots=True)
class _Open:
    conversation: Conversation
    home: Home | None
    received_at: int

    @property
    def id(self) -> int:
        return self.conversation.ticket.id


class Interactions:
    """The interactions of all shards of this process."""

    def __init__(self, ways: Ways, tasks: asyncio.TaskGroup) -> None:
        self._ways = ways
        self._tasks = tasks
        self._screening = Screening(ways)
        self._open: dict[int, _Open] = {}
        self._unheard: set[int] = set()
        self._timers: set[asyncio.Task[None]] = set()

    @property
    def unheard(self) -> int:
        """Count those that wait for a first answer."""
        return len(self._unheard)

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
            except Exception:  # an edge: who asked is told, and nobody else hears of it
                _log.exception("an interaction failed", interaction=event.id)
                await self._give_up(event, opened)

    async def _give_up(self, event: events.Interaction, opened: _Open) -> None:
        """Say that something went wrong here, so that nothing thinks for ever."""
        try:
            await self._refuse(event, opened, "internal")
        except (discord.Refused, Unavailable) as error:
            self._forget(event.id)
            self._count_error(error)

    async def _dispatch(self, event: events.Interaction, opened: _Open, home: Home) -> None:
        match event.type:
            case events.AUTOCOMPLETE:
                await self._suggest(event, opened)
            case events.COMMAND:
                await self._run(event, of_command(event.data), opened, home)
            case events.COMPONENT:
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
        reason = self._shed(opened) or self._screening.at_once(event, asked, home)
        if reason is None:
            reason = await self._ways.passage.take(self._trip(event, asked, opened, home))
        if reason is not None:
            await self._refuse(event, opened, reason)
        elif asked.path == "help":
            await opened.conversation.say(answers.help_page(event.locale))
            self._done(event.id, "direct")

    def _shed(self, opened: _Open) -> str | None:
        """Begin to wait for a first answer, which many may do already."""
        self._unheard.add(opened.id)
        way = shedding.way(len(self._unheard), self._ways.manners.bounds)
        if way == "take":
            self._defer_in_time(opened)
            return None
        self._ways.metrics.shed.labels(way).inc()
        if way == "refuse":
            return "busy"
        self._put_off(opened)
        return None

    def _trip(self, event: events.Interaction, asked: Asked, opened: _Open, home: Home) -> Trip:
        origin = tickets.origin(event, opened.received_at)
        guild_id = event.guild_id or 0
        envelope = Envelope(event.id, guild_id, origin, opened.received_at)
        channel = home.state.voice_of(guild_id).channel_of(event.user_id) or 0
        command = message(asked, envelope, voice_channel_id=channel)

        async def check() -> str | None:
            if command is None and asked.path != "help":
                return "invalid"
            return await self._screening.against(event, asked, home)

        async def send() -> None:
            if command is not None:
                await self._send_on(command, opened, home)

        return Trip(
            guild_id,
            envelope.expires(SOON) if command is None else command.expires_at,
            put_off=lambda: self._put_off(opened),
            check=check,
            send=send,
        )

    async def _send_on(self, command: Playback, opened: _Open, home: Home) -> None:
        if opened.id in self._unheard:
            home.note_open(tickets.note(opened.conversation.ticket, opened.received_at))
        await self._ways.producer.send(command)

    async def _refuse(self, event: events.Interaction, opened: _Open, reason: str) -> None:
        self._ways.metrics.refused.labels(reason).inc()
        await opened.conversation.say(answers.refusal(reason, event.locale))
        self._done(event.id, "refused")

    async def turn_away(self, event: events.Interaction) -> None:
        """Refuse kindly what may be another owner's to answer, unless that has answered."""
        conversation = Conversation(tickets.ticket(event), self._ways.rest)
        self._ways.metrics.refused.labels("busy").inc()
        await conversation.say_first(answers.refusal("busy", event.locale))

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
        self._unheard.add(left.id)
        self._defer_in_time(opened)

    async def defer_all(self, home: Home) -> None:
        """Defer what is still open, before the shard goes to another process."""
        await asyncio.gather(*(self._defer(one) for one in self._of(home)))
        self.forget_all(home)

    def forget_all(self, home: Home) -> None:
        """Leave what is open to the shard's next owner."""
        for one in self._of(home):
            self._forget(one.id)

    def _of(self, home: Home) -> list[_Open]:
        return [one for one in self._open.values() if one.home is home]

    async def sweep(self) -> None:
        """Forget what can't be answered any more."""
        oldest = self._ways.clock.now() - _TOKEN_LIFE / timedelta(milliseconds=1)
        for number, opened in [*self._open.items()]:
            if opened.received_at < oldest:
                self._forget(number)

    def _defer_in_time(self, opened: _Open) -> None:
        age = (self._ways.clock.now() - opened.received_at) / 1000
        self._defer_after(max(self._ways.manners.direct.total_seconds() - age, 0), opened)

    def _put_off(self, opened: _Open) -> None:
        """Defer at once; a second time is nothing."""
        if opened.id in self._unheard:
            self._defer_after(0, opened)

    def _defer_after(self, delay: float, opened: _Open) -> None:
        async def wait() -> None:
            await asyncio.sleep(delay)
            if self._open.get(opened.id) is opened:
                await self._defer(opened)

        timer = self._tasks.create_task(wait())
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    async def _defer(self, opened: _Open) -> None:
        try:
            if await opened.conversation.defer():
                self._ways.metrics.deferred.inc()
                self._note_answered(opened)
        except (discord.Refused, Unavailable) as error:
            self._count_error(error)
        finally:
            self._unheard.discard(opened.id)

    def _note_answered(self, opened: _Open) -> None:
        self._unheard.discard(opened.id)
        if opened.home is not None:
            opened.home.note_answered(opened.id)

    def _done(self, interaction_id: int, how: str | None) -> None:
        opened = self._forget(interaction_id)
        if opened is None:
            return
        if how is not None:
            self._count_lateness(opened.conversation)
            took = (self._ways.clock.now() - opened.received_at) / 1000
            self._ways.metrics.answer_seconds.labels(how).observe(max(took, 0))
        self._note_answered(opened)

    def _count_lateness(self, conversation: Conversation) -> None:
        if conversation.was_too_late:
            self._ways.metrics.too_late.inc()
            _log.info("discord took an answer no more", interaction=conversation.ticket.id)

    def _forget(self, interaction_id: int) -> _Open | None:
        self._unheard.discard(interaction_id)
        return self._open.pop(interaction_id, None)

    def _count_error(self, error: discord.Refused | Unavailable) -> None:
        status = str(error.status) if isinstance(error, discord.Refused) else "unavailable"
        self._ways.metrics.discord_errors.labels(status).inc()
        _log.warning("an interaction was not answered", why=str(error))


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
