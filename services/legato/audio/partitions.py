"""One partition's loop: read in order, step, commit, hand the effects on. Nothing slow inside.

Messages from the inbox and events from nodes, resolving and time come through one mailbox, so that
a player has one writer. Only what is committed is true: memory follows the books.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import msgspec
import structlog

from legato import telemetry
from legato.audio import asks, listening
from legato.audio.effects import Effect, carried, outbox_key
from legato.audio.events import (
    Internal,
    PositionReported,
    TrackEnded,
    TrackFailed,
    TrackStarted,
    Woken,
)
from legato.audio.ledger import REMEMBERED, Books, Change
from legato.audio.mail import Back, Mail, Reached, Settled, Told
from legato.audio.means import Means
from legato.audio.outbox import Outbox, Outcome
from legato.audio.player import (
    Message,
    Player,
    QueueDiff,
    Step,
    diff,
    forgettable,
    head,
    new,
    restore,
    step,
)
from legato.audio.writer import Writer
from legato.bus import Entry, Undecodable
from legato.clock import snowflake_time
from legato.contracts import inbox, keys
from legato.contracts.actions import Refused
from legato.contracts.partitions import Partition
from legato.contracts.playback import Command
from legato.errors import Unavailable
from legato.leases import Lease

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

BLOCK = timedelta(seconds=1)
PAUSE = 0.2
MOST_ATTEMPTS = 3
"""A message that crashed its step, or the process, so often is put aside."""
CRASHES = "three crashes"
_EFFECTS_A_COMMIT = 1 << 20
"""More than one commit ever has; numbers effects over all commits."""

_decoder: msgspec.json.Decoder[inbox.Message] = msgspec.json.Decoder(inbox.Message)


class Crashed(Exception):
    """A step raised an error; nothing was changed by it."""


class PartitionLoop:
    """The players of one partition, and their only writer."""

    def __init__(self, partition: Partition, lease: Callable[[], Lease | None], means: Means):
        """`lease` returns the current lease, None once it is lost."""
        self.partition = partition
        self.players: dict[int, Player] = {}
        self.writer = Writer(
            means.ledger,
            lease,
            means.metrics,
            partition=partition,
            everything=self._everything,
            back=lambda: self._mail.put_nowait(Back()),
        )
        self.outbox: Outbox | None = None
        self.saw: Callable[[Internal], Internal] = lambda event: event
        """What learns of node events as they are stepped."""
        self._means = means
        self._mail: asyncio.Queue[Mail] = asyncio.Queue()
        self._waiting: deque[Entry[inbox.Message]] = deque()
        """Of the inbox; longer than one only while the books are out of reach."""
        self._seen: dict[int, int] = {}
        self._wakes: dict[int, asyncio.TimerHandle] = {}

    # What it is told.

    def take(self, books: Books) -> None:
        """Begin where the books are."""
        self.writer.position = books.position
        self._seen = dict(books.seen)
        for kept in books.guilds:
            if kept.head is not None:
                self.players[kept.guild_id] = restore(kept.head, kept.items)

    def tell(self, event: Internal, *, node: str = "", session_id: str = "") -> None:
        """Take an event, in order."""
        self._mail.put_nowait(Told(event, node, session_id, telemetry.traceparent()))

    def settled(self, guild_id: int, key: str, effect: Effect, outcome: Outcome) -> None:
        """Strike an effect out."""
        self._means.metrics.effects.labels(type(effect).__name__, outcome).inc()
        self._mail.put_nowait(Settled(guild_id, key))

    def nudge(self) -> None:
        """Do at once what waited for Redis or for the lease."""
        if self.outbox is not None:
            self.outbox.nudge_all()

    async def reached(self) -> None:
        """Wait until all that was told so far is committed."""
        mark = Reached(asyncio.Event())
        self._mail.put_nowait(mark)
        await mark.event.wait()

    # What it knows.

    def now(self) -> int:
        """Return server ms."""
        return self._means.clock.now()

    def player(self, guild_id: int) -> Player | None:
        """Return a guild's player."""
        return self.players.get(guild_id)

    def seated(self, node: str) -> list[int]:
        """Name the guilds whose players sit on a node."""
        return [
            guild_id
            for guild_id, found in self.players.items()
            if found.seat is not None and found.seat.node == node
        ]

    def sounding(self, node: str) -> bool:
        """Tell whether a player on a node should be heard now."""
        return any(
            (play := self.players[guild_id].play) is not None
            and play.sounding
            and listening.audible(self.players[guild_id])
            for guild_id in self.seated(node)
        )

    # Its two loops.

    async def read(self) -> None:
        """Bring the inbox into the mailbox, as fast as it is worked off."""
        key, after = keys.inbox(self.partition), self.writer.position.entry
        while True:
            try:
                entries = await self._means.bus.read(key, after, decoder=_decoder, block=BLOCK)
            except Unavailable as error:
                log.warning("inbox not read", partition=str(self.partition), why=str(error))
                await asyncio.sleep(PAUSE)
                continue
            for entry in entries:
                self._mail.put_nowait(entry)
                after = entry.id
            if entries:
                await self.reached()

    async def work(self) -> None:
        """Take the mail, one by one; raises Fenced when the lease is lost."""
        while True:
            match await self._mail.get():
                case Entry() as entry:
                    self._waiting.append(entry)
                    await self._take_waiting()
                case Back():
                    self.nudge()
                    await self._take_waiting()
                case Told() as told:
                    await self._event(told)
                case Settled() as settled:
                    await self._settle(settled)
                case Reached(event):
                    event.set()

    def rest(self) -> None:
        """Wake no more."""
        for wake in self._wakes.values():
            wake.cancel()

    # What it does.

    async def _take_waiting(self) -> None:
        """Take what came over the inbox, in order; nothing while the books are out of reach."""
        while self._waiting and not self.writer.is_away:
            try:
                await self._entry(self._waiting[0])
            except Unavailable as error:
                log.warning("inbox waits", partition=str(self.partition), why=str(error))
                return
            self._waiting.popleft()

    async def _entry(self, entry: Entry[inbox.Message]) -> None:
        message = entry.message
        if isinstance(message, Undecodable):
            log.warning("message put aside", partition=str(self.partition), why=message.why)
            await self._put_aside(entry.id, message.raw, message.why)
        elif not await self._taken(message, entry.id):
            log.error("message put aside", partition=str(self.partition), why=CRASHES)
            await self._give_up(message, entry.id)

    async def _taken(self, message: inbox.Message, entry: str) -> bool:
        """Step a message, again when it crashes; False after too often, counted over processes."""
        while await self.writer.attempt(entry) <= MOST_ATTEMPTS:
            try:
                await self._message(message, entry)
            except Crashed:
                log.exception("a message crashed its step", partition=str(self.partition))
            else:
                return True
        return False

    async def _message(self, message: inbox.Message, entry: str) -> None:
        if not isinstance(message, Command):
            return await self._step(message, entry=entry, trace=message.traceparent)
        if self._done(message.id):
            self._means.metrics.repeats.inc()
            return await self.writer.commit(Change(entry=entry))
        return await self._step(
            message, entry=entry, seen=message.id, trace=message.origin.traceparent
        )

    def _done(self, command_id: int) -> bool:
        """Tell a command that was done, or is too old to know."""
        oldest = self.now() - round(REMEMBERED / timedelta(milliseconds=1))
        return command_id in self._seen or snowflake_time(command_id) < oldest

    async def _put_aside(self, entry: str, raw: bytes, why: str) -> None:
        self._means.metrics.dead.inc()
        await self.writer.commit(Change(entry=entry, dead=raw, why=why))

    async def _give_up(self, message: inbox.Message, entry: str) -> None:
        """Put a message aside; whoever asked for it is told."""
        if not isinstance(message, Command) or self._done(message.id):
            await self._put_aside(entry, msgspec.json.encode(message), CRASHES)
            return
        self._means.metrics.dead.inc()
        guild_id, number = message.guild_id, message.id
        told = self._numbered(guild_id, [asks.tell(message, Refused(reason="internal"))])
        await self.writer.commit(
            Change(
                guild_id=guild_id,
                effects={outbox_key(effect): effect for effect in told},
                entry=entry,
                seen=number,
                seen_at=snowflake_time(number),
                dead=msgspec.json.encode(message),
                why=CRASHES,
            )
        )
        self._remember(number)
        if self.outbox is not None:
            self.outbox.put(guild_id, told)

    async def _event(self, told: Told) -> None:
        event = told.event
        found = self.players.get(event.guild_id)
        if told.session_id and not _counts(event, found, told):
            return
        try:
            await self._step(self.saw(event) if told.session_id else event, trace=told.trace)
        except Crashed:
            # What it said is asked again: by the next report, alarm or look at the node.
            self._means.metrics.dead.inc()
            log.exception("an event crashed its step", partition=str(self.partition))

    async def _settle(self, settled: Settled) -> None:
        guild_id = settled.guild_id
        left = self.outbox.left(guild_id) if self.outbox else {}
        if settled.key in left:
            return
        found = self.players.get(guild_id)
        gone = found is not None and not left and forgettable(found)
        await self.writer.commit(Change(guild_id=guild_id, settled=[settled.key], gone=gone))
        if gone:
            del self.players[guild_id]
            self._wake(guild_id, None)

    async def _step(
        self,
        message: Message,
        *,
        entry: str | None = None,
        seen: int | None = None,
        trace: str = "",
    ) -> None:
        guild_id, metrics = message.guild_id, self._means.metrics
        name = str(message.__struct_config__.tag)
        before = self.players.get(guild_id) or new(
            guild_id, await self._means.settings_of(guild_id)
        )
        with (
            metrics.steps.labels(name).time(),
            self._means.tracing.span(f"step {name}", parent=trace, attributes=_about(guild_id)),
        ):
            taken, queue = self._stepped(before, message)
            effects = self._numbered(guild_id, taken.effects)
            after = taken.player
            if after is before and not effects and entry is None:
                return
            await self.writer.commit(
                Change(
                    guild_id=guild_id,
                    head=None if after is before else head(after),
                    put=queue.put,
                    remove=queue.remove,
                    effects={outbox_key(effect): effect for effect in effects},
                    entry=entry,
                    seen=seen,
                    seen_at=0 if seen is None else snowflake_time(seen),
                )
            )
            log.debug("stepped", guild=guild_id, message=name, why=taken.reason)
            self._become(guild_id, after, effects, fresh=after is not before, seen=seen)

    def _stepped(self, before: Player, message: Message) -> tuple[Step, QueueDiff]:
        """Step; Crashed leaves everything as it was."""
        try:
            taken = step(before, message, now=self.now(), rules=self._means.rules)
            return taken, diff(before, taken.player)
        except Exception as error:  # an edge: one message's fault is not its partition's
            raise Crashed from error

    def _become(
        self,
        guild_id: int,
        after: Player,
        effects: list[Effect],
        *,
        fresh: bool,
        seen: int | None,
    ) -> None:
        """Let memory follow the books."""
        if fresh:
            self.players[guild_id] = after
            self._wake(guild_id, after.wake_at)
        if seen is not None:
            self._remember(seen)
        if self.outbox is not None:
            self.outbox.put(guild_id, effects, trace=telemetry.traceparent())

    def _remember(self, command_id: int) -> None:
        self._seen[command_id] = snowflake_time(command_id)
        oldest = self.now() - round(REMEMBERED / timedelta(milliseconds=1))
        while self._seen and self._seen[first := next(iter(self._seen))] < oldest:
            del self._seen[first]

    def _numbered(self, guild_id: int, effects: Iterable[Effect]) -> list[Effect]:
        """Number effects in the order of all effects ever; none takes another's word away."""
        first = (self.writer.position.commits + 1) * _EFFECTS_A_COMMIT
        waiting = self.outbox.waiting if self.outbox else lambda *_: None
        return [
            msgspec.structs.replace(carried(waiting(guild_id, effect), effect), seq=first + place)
            for place, effect in enumerate(effects)
        ]

    def wake_all(self) -> None:
        """Set every player's alarm, after a restore."""
        for guild_id, found in self.players.items():
            self._wake(guild_id, found.wake_at)

    def _wake(self, guild_id: int, at: int | None) -> None:
        if old := self._wakes.pop(guild_id, None):
            old.cancel()
        if at is None:
            return
        delay = max(0.0, (at - self.now()) / 1000)
        self._wakes[guild_id] = asyncio.get_running_loop().call_later(
            delay, self.tell, Woken(guild_id=guild_id), context=telemetry.without_span()
        )

    def _everything(self) -> Iterable[Change]:
        """Tell all there is, for books that came back empty."""
        for guild_id, found in self.players.items():
            left = self.outbox.left(guild_id) if self.outbox else {}
            yield Change(guild_id=guild_id, head=head(found), put=found.queue, effects=left)


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
