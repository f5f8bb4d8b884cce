"""Messages stepped on drafts of players: what a partition's loop commits next. Knows no books.

A command is stepped once, by its id; a message whose step crashes changes nothing.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Protocol

import msgspec
import structlog
from msgspec.structs import replace

from legato import telemetry
from legato.audio import asks
from legato.audio.batch import Batch
from legato.audio.effects import Effect, carried, outbox_key
from legato.audio.events import (
    Internal,
    PositionReported,
    TrackEnded,
    TrackFailed,
    TrackStarted,
)
from legato.audio.ledger import REMEMBERED
from legato.audio.mail import Told
from legato.audio.means import Means
from legato.audio.player import Message, Player, Step, new, step
from legato.clock import snowflake_time
from legato.contracts import inbox
from legato.contracts.actions import Refused
from legato.contracts.playback import Command

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

CRASHES = "three crashes"
_EFFECTS_A_MS = 1000
"""More than are ever made: the time numbers effects, over all owners and an emptied Redis."""


class Books(Protocol):
    """What a step must know of what is committed."""

    def waiting(self, guild_id: int, effect: Effect) -> Effect | None:
        """Return what an effect would replace in the outbox."""


class Crashed(Exception):
    """A step raised an error; nothing was changed by it."""


class Stepper:
    """Takes one message after another, into a batch."""

    def __init__(self, means: Means, players: Mapping[int, Player], books: Books) -> None:
        """`players` are the committed ones."""
        self.batch = Batch()
        self.seen: dict[int, int] = {}
        """Commands that are done: id -> when it was made, ms."""
        self.numbered = 0
        """The highest number of an effect so far."""
        self.saw: Callable[[Internal], Internal] = lambda event: event
        """What completes node events as they are stepped."""
        self.learn: Callable[[Internal], None] = lambda event: None
        """What learns of them once what they made of players is committed."""
        self._means = means
        self._players = players
        self._books = books

    def now(self) -> int:
        """Return server ms."""
        return self._means.clock.now()

    def player(self, guild_id: int) -> Player | None:
        """Return a guild's player as the next message finds it."""
        return self.batch.player(guild_id) or self._players.get(guild_id)

    def hand_over(self) -> Batch:
        """Give what is drafted away, and begin anew."""
        batch, self.batch = self.batch, Batch()
        return batch

    async def message(self, message: inbox.Message, entry: str) -> None:
        """Take an entry of the inbox; a command that was done changes nothing."""
        if not isinstance(message, Command):
            await self._step(message, trace=message.traceparent)
        elif self._done(message.id):
            self._means.metrics.repeats.inc()
        else:
            await self._step(message, trace=message.origin.traceparent)
            self.batch.seen[message.id] = snowflake_time(message.id)
        self.batch.answer(entry)

    def _done(self, command_id: int) -> bool:
        """Tell a command that was done, or is too old to know."""
        oldest = self.now() - round(REMEMBERED / timedelta(milliseconds=1))
        known = command_id in self.seen or command_id in self.batch.seen
        return known or snowflake_time(command_id) < oldest

    def put_aside(self, entry: str, raw: bytes, why: str) -> None:
        """Keep an entry of the inbox that can't be done, and go on."""
        self._means.metrics.dead.inc()
        self.batch.put_aside(raw, why)
        self.batch.answer(entry)

    async def give_up(self, message: inbox.Message, entry: str) -> None:
        """Put a message aside that crashed too often; whoever asked for it is told."""
        self.put_aside(entry, msgspec.json.encode(message), CRASHES)
        if isinstance(message, Command) and not self._done(message.id):
            before = await self._before(message.guild_id)
            told = [asks.tell(message, Refused(reason="internal"))]
            self.batch.step(before, before, self._numbered(message.guild_id, told))
            self.batch.seen[message.id] = snowflake_time(message.id)

    async def event(self, told: Told) -> None:
        """Take an event; one that crashes is dropped."""
        event = told.event
        found = self.player(event.guild_id)
        self.batch.weight += 1
        if told.session_id and not _counts(event, found, told):
            return
        if told.session_id:
            self.batch.heard.append(event)
            event = self.saw(event)
        try:
            await self._step(event, trace=told.trace)
        except Crashed:
            # What it said is asked again: by the next report, alarm or look at the node.
            self._means.metrics.dead.inc()
            log.exception("an event crashed its step", guild=event.guild_id)

    async def _step(self, message: Message, *, trace: str) -> None:
        guild_id, began = message.guild_id, time.perf_counter()
        name = str(message.__struct_config__.tag)
        before = await self._before(guild_id)
        with self._means.tracing.span(f"step {name}", parent=trace, attributes=_about(guild_id)):
            taken = self._stepped(before, message)
            if taken.player is before and not taken.effects:
                return
            effects = self._numbered(guild_id, taken.effects)
            self.batch.step(before, taken.player, effects, trace=telemetry.traceparent())
        self.batch.began.append((name, began))
        log.debug("stepped", guild=guild_id, message=name, why=taken.reason)

    def _stepped(self, before: Player, message: Message) -> Step:
        """Step; Crashed leaves everything as it was."""
        try:
            return step(before, message, now=self.now(), rules=self._means.rules)
        except Exception as error:  # an edge: one message's fault is not its partition's
            raise Crashed from error

    async def _before(self, guild_id: int) -> Player:
        """Return a guild's player as the next message finds it."""
        found = self.player(guild_id)
        return found or new(guild_id, await self._means.settings_of(guild_id))

    def _numbered(self, guild_id: int, effects: Iterable[Effect]) -> list[Effect]:
        """Number effects in the order of all effects ever; none takes another's word away."""
        made = []
        for effect in effects:
            self.numbered = max(self.numbered + 1, self.now() * _EFFECTS_A_MS)
            carrying = carried(self._replaced(guild_id, effect), effect)
            made.append(replace(carrying, seq=self.numbered))
        return made

    def _replaced(self, guild_id: int, effect: Effect) -> Effect | None:
        """Return what an effect takes the place of."""
        drafted = self.batch.effects_of(guild_id).get(outbox_key(effect))
        return drafted.effect if drafted else self._books.waiting(guild_id, effect)

    def remember(self, commands: Mapping[int, int]) -> None:
        """Know commands that are done, as long as they may come again."""
        self.seen.update(commands)
        oldest = self.now() - round(REMEMBERED / timedelta(milliseconds=1))
        while self.seen and self.seen[first := next(iter(self.seen))] < oldest:
            del self.seen[first]


def _counts(event: Internal, found: Player | None, told: Told) -> bool:
    """Tell whether a node's word on a play is of the session that the player sits on."""
    match event:
        case TrackStarted() | TrackEnded() | TrackFailed() | PositionReported():
            seat = found.seat if found else None
            return seat is not None and (seat.node, seat.session_id) == (
                told.node,
                told.session_id,
            )
        case _:
            return True


def _about(guild_id: int) -> Mapping[str, str | int]:
    return {"legato.guild": str(guild_id)}
