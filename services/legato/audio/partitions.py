"""One partition's loop: read in order, step, commit, hand the effects on. Nothing slow inside.

Messages from the inbox and events from nodes, resolving and time come through one mailbox, so that
a player has one writer. What waits there together is committed together. Only what is committed is
true: memory follows the books.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable

import structlog

from legato import telemetry
from legato.audio import listening, reading
from legato.audio.batch import FULL, Batch
from legato.audio.changes import Change
from legato.audio.effects import Effect
from legato.audio.events import (
    Internal,
    VoiceClosed,
    Woken,
)
from legato.audio.ledger import Books
from legato.audio.mail import Back, Due, Mail, Reached, Settled, Told
from legato.audio.means import Means
from legato.audio.outbox import Outbox, Outcome
from legato.audio.player import (
    Player,
    forgettable,
    head,
    restore,
)
from legato.audio.stepping import CRASHES, Crashed, Stepper
from legato.audio.strikes import Strikes
from legato.audio.writer import Writer
from legato.bus import Entry, Undecodable
from legato.contracts import inbox
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

MOST_BEGUN = FULL
"""So many entries an owner may have stepped, and not committed."""
MOST_ATTEMPTS = 3
"""A message that crashed its step, or the process, so often is put aside."""


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
        self.stepper = Stepper(means, self.players, self)
        self.outbox: Outbox | None = None
        self._means = means
        self._mail: asyncio.Queue[Mail] = asyncio.Queue()
        self._waiting: deque[Entry[inbox.Message]] = deque()
        """Of the inbox; longer than one only while the books are out of reach."""
        self._again: set[str] = set()
        """Entries that an owner before this one may have died of: taken alone, and counted."""
        self._reached: list[asyncio.Event] = []
        self._strikes = Strikes(lambda: self._mail.put_nowait(Due()))
        self._wakes: dict[int, asyncio.TimerHandle] = {}

    # What it is told.

    def take(self, books: Books) -> None:
        """Begin where the books are."""
        self.writer.position = books.position
        self.stepper.seen = dict(books.seen)
        left = (effect.seq for kept in books.guilds for effect in kept.outbox.values())
        self.stepper.numbered = max(left, default=0)
        for kept in books.guilds:
            if kept.head is not None:
                self.players[kept.guild_id] = restore(kept.head, kept.items)

    def tell(self, event: Internal, *, node: str = "", session_id: str = "") -> None:
        """Take an event, in order."""
        if isinstance(event, VoiceClosed):
            self._means.metrics.voice_closes.labels(_close_code(event.code)).inc()
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

    def waiting(self, guild_id: int, effect: Effect) -> Effect | None:
        """Return what an effect would replace in the outbox."""
        return self.outbox.waiting(guild_id, effect) if self.outbox else None

    # Its two loops.

    async def read(self) -> None:
        """Bring the inbox into the mailbox, as fast as it is worked off."""
        after, is_first = self.writer.position.entry, True
        async for entries in reading.entries(
            self._means.bus, self.partition, after, first=MOST_BEGUN
        ):
            if is_first:
                self._again.update(entry.id for entry in entries)
            is_first = False
            for entry in entries:
                self._mail.put_nowait(entry)
            if entries:
                await self.reached()

    async def work(self) -> None:
        """Take the mail; raises Fenced when the lease is lost."""
        while True:
            await self._take(await self._mail.get())
            while not (self._mail.empty() or self.stepper.batch.is_full):
                await self._take(self._mail.get_nowait())
            await self._commit()
            for mark in self._reached:
                mark.set()
            self._reached.clear()

    async def leave(self) -> None:
        """Strike out what is done, so that the next owner need not do it again; after `work`."""
        while not self._mail.empty():
            if isinstance(mail := self._mail.get_nowait(), Settled):
                self._strikes.note(mail.guild_id, mail.key)
        self.stepper.hand_over()
        if settled := self._strikes.take(self._is_left):
            await self.writer.leave(Batch().commit(settled, ()))

    def rest(self) -> None:
        """Wake no more."""
        self._strikes.rest()
        for wake in self._wakes.values():
            wake.cancel()

    # What it does.

    async def _take(self, mail: Mail) -> None:
        match mail:
            case Entry():
                self._waiting.append(mail)
                await self._take_waiting()
            case Back():
                self.nudge()
                await self._take_waiting()
            case Told():
                await self.stepper.event(mail)
            case Settled(guild_id, key):
                self._strikes.note(guild_id, key)
            case Due():
                pass  # the commit that follows strikes out
            case Reached(event):
                self._reached.append(event)

    async def _take_waiting(self) -> None:
        """Take what came over the inbox, in order; nothing while the books are out of reach."""
        while self._waiting and not self.writer.is_away:
            if self.stepper.batch.is_full:
                await self._commit()
                continue
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
            self.stepper.put_aside(entry.id, message.raw, message.why)
        elif entry.id in self._again:
            await self._suspect(message, entry.id)
        else:
            await self._try(message, entry.id, MOST_ATTEMPTS)

    async def _suspect(self, message: inbox.Message, entry: str) -> None:
        """Take what may have ended a process: with nothing beside it, and counted before.

        The first time is never counted, so that a command costs one call and not two; whoever dies
        of it leaves it to an owner that counts.
        """
        await self._commit()
        counted = await self.writer.attempt(entry)
        await self._try(message, entry, MOST_ATTEMPTS - counted)
        await self._commit()
        self._again.discard(entry)

    async def _try(self, message: inbox.Message, entry: str, times: int) -> None:
        """Step a message, again when it crashes; put it aside after so many times."""
        for _ in range(times):
            try:
                await self.stepper.message(message, entry)
            except Crashed:
                log.exception("a message crashed its step", partition=str(self.partition))
            else:
                return
        log.error("message put aside", partition=str(self.partition), why=CRASHES)
        await self.stepper.give_up(message, entry)

    # What is committed.

    async def _commit(self) -> None:
        """Write what is drafted, and believe it then."""
        if self.stepper.batch.is_empty and not self._strikes.is_due:
            self._learn(self.stepper.hand_over())  # what changed nothing fills no later commit
            return
        settled = self._strikes.take(self._is_left)
        gone = [guild_id for guild_id in settled if self._may_go(guild_id)]
        batch = self.stepper.hand_over()
        await self.writer.commit(batch.commit(settled, gone))
        self._follow(batch, gone)

    def _is_left(self, guild_id: int, key: str) -> bool:
        """Tell whether an effect is to do again, whatever was done before."""
        is_left = self.outbox is not None and self.outbox.has(guild_id, key)
        return is_left or key in self.stepper.batch.effects_of(guild_id)

    def _may_go(self, guild_id: int) -> bool:
        """Say whether a guild's player may be forgotten, and all of its books."""
        found = self.stepper.player(guild_id)
        left = self.outbox.left(guild_id) if self.outbox else {}
        is_done = not left and not self.stepper.batch.effects_of(guild_id)
        return found is not None and is_done and forgettable(found)

    def _follow(self, batch: Batch, gone: Iterable[int]) -> None:
        """Let memory follow the books."""
        for guild_id, draft in batch.drafts.items():
            if draft.is_changed:
                self.players[guild_id] = draft.player
                self._wake(guild_id, draft.player.wake_at)
        for guild_id in gone:
            self.players.pop(guild_id, None)
            self._wake(guild_id, None)
        self._learn(batch)
        self.stepper.remember(batch.seen)
        ended = time.perf_counter()
        for name, began in batch.began:
            self._means.metrics.steps.labels(name).observe(ended - began)
        if self.outbox is not None:
            for guild_id, draft in batch.drafts.items():
                for doing in draft.effects.values():
                    self.outbox.put(guild_id, [doing.effect], trace=doing.trace)

    def _learn(self, batch: Batch) -> None:
        for event in batch.heard:
            self.stepper.learn(event)

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


def _close_code(code: int) -> str:
    """Name a close code of the protocol; a node may say anything."""
    return str(code) if 1000 <= code < 5000 else "other"
