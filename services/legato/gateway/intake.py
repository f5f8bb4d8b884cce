"""One shard's events: taken in the tick they come in, applied, written, then acknowledged.

The acknowledged seq is the highest below which every write was; only it is handed on, so whoever
RESUMEs there gets the rest again, and applying an event again changes nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from legato import telemetry
from legato.clock import ServerClock
from legato.contracts.voice import Mark, Voice
from legato.errors import Unavailable
from legato.gateway import events, payloads
from legato.gateway.backlog import Backlog
from legato.gateway.metrics import Metrics
from legato.gateway.producer import Producer
from legato.gateway.sequence import Sequence
from legato.gateway.shard_state import Change, ShardState, Stamp, session_name
from legato.gateway.shard_store import Lost, Session, ShardStore
from legato.leases import Lease

_AT_ONCE = 500
_RETRY_SECONDS = 0.5

_log = telemetry.logger(__name__)

Interact = Callable[[events.Interaction, bool], Coroutine[None, None, None]]


@dataclass(slots=True)
class _Work:
    change: Change
    ends: list[tuple[Sequence, int]] = field(default_factory=list)
    count: int = 1


class Intake:
    """The way from the socket to Redis."""

    def __init__(
        self,
        state: ShardState,
        store: ShardStore,
        producer: Producer,
        clock: ServerClock,
        metrics: Metrics,
        backlog: Backlog,
    ) -> None:
        self.replaying = False
        """Between a RESUME and RESUMED: events are as old as their ids say."""
        self.on_own_voice: Callable[[int], None] = lambda _: None
        self.trace_of: Callable[[int], str] = lambda _: ""
        """Tells which trace a guild's voice events belong to."""
        self.on_session: Callable[[str], None] = lambda _: None
        self._state = state
        self._store = store
        self._producer = producer
        self._clock = clock
        self._metrics = metrics
        self._backlog = backlog
        self._sequence = Sequence()
        self._session: Session | None = None
        self._queue: asyncio.Queue[_Work] = asyncio.Queue()
        self._saved: Session | None = None
        self._epoch = 0
        self._pending = 0
        self._answering = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._interact: Interact | None = None
        self._tasks: asyncio.TaskGroup | None = None

    def resume(self, session: Session) -> None:
        """Go on where another process stopped."""
        self._session = self._saved = session
        self._sequence = Sequence(session.seq)
        self.replaying = True

    @property
    def session(self) -> Session | None:
        """Tell what to RESUME from: the session, with the acknowledged seq."""
        known = self._session
        if known is None:
            return None
        return Session(known.session_id, self._sequence.done, known.resume_url, known.user_id)

    @property
    def waiting(self) -> int:
        """Count the events taken and not yet acknowledged."""
        return self._sequence.waiting

    def take(self, name: str, seq: int, session_id: str, data: object) -> None:
        """Take one event; what is slow about it comes later."""
        self._metrics.events.labels(name if name in events.TYPES else "other").inc()
        if name == "READY":
            self._sequence = Sequence(seq - 1)
        sequence = self._sequence
        if not sequence.begin(seq) and name != "RESUMED":
            return  # a replay of what is here already, written or not
        stamp = Stamp(Mark(session=session_name(session_id), seq=seq), self._clock.now())
        try:
            self._handle(name, data, session_id, stamp)
        except Exception:  # an edge: whoever RESUMEs here would fail of the same event
            self._metrics.malformed.labels(name).inc()
            _log.exception("an event was not understood", name=name)
            self._put(_Work(Change(), [(sequence, seq)]))

    def _handle(self, name: str, data: object, session_id: str, stamp: Stamp) -> None:
        sequence, seq = self._sequence, stamp.mark.seq
        event = self._read(name, data)
        if isinstance(event, events.Interaction):
            self._begin_interaction(event, sequence, seq)
            return
        if isinstance(event, events.Ready):
            user_id = event.user.id
            self._session = Session(session_id, seq - 1, event.resume_gateway_url, user_id)
        change = self._state.apply(name, event, stamp) if event is not None else Change()
        change.messages = [self._traced(message) for message in change.messages]
        if name in {"READY", "RESUMED"}:
            self._begin_session(name, change, stamp)
        self._put(_Work(change, [(sequence, seq)]))
        if isinstance(event, events.VoiceState) and event.user_id == self._state.bot:
            self.on_own_voice(event.guild_id)

    def tell(self, message: Voice) -> None:
        """Send one more message to a player, after what is waiting already."""
        self._put(_Work(Change(messages=[self._traced(message)])))

    def _put(self, work: _Work) -> None:
        self._queue.put_nowait(work)
        self._pending += 1
        self._backlog.add()

    def _traced(self, message: Voice) -> Voice:
        trace = self.trace_of(message.guild_id)
        return replace(message, traceparent=trace) if trace else message

    def _read(self, name: str, data: object) -> object | None:
        kind = events.TYPES.get(name)
        if kind is None:
            return None
        try:
            return payloads.read(data, kind)
        except msgspec.ValidationError as error:
            self._metrics.malformed.labels(name).inc()
            _log.error("an event has another shape", name=name, why=str(error))
            return None

    def _begin_session(self, name: str, change: Change, stamp: Stamp) -> None:
        self.replaying = False
        if name == "RESUMED":
            self._metrics.resumes.inc()
            change.messages.extend(self._state.own_states(stamp))
        self.on_session(name)

    def _begin_interaction(self, event: events.Interaction, sequence: Sequence, seq: int) -> None:
        if self._interact is None or self._tasks is None:
            sequence.end(seq)
            return
        self._tasks.create_task(self._run_interaction(event, sequence, seq, self._interact))

    async def _run_interaction(
        self, event: events.Interaction, sequence: Sequence, seq: int, interact: Interact
    ) -> None:
        self._answering += 1
        self._idle.clear()
        try:
            await interact(event, self.replaying)
        except Exception:  # an edge: one interaction that fails ends no others
            _log.exception("an interaction failed", interaction=event.id)
        finally:
            self._answering -= 1
            if not self._answering:
                self._idle.set()
        sequence.end(seq)

    async def idle(self) -> None:
        """Return once no interaction is on its way to a player."""
        await self._idle.wait()

    async def run(self, lease: Callable[[], Lease | None], interact: Interact) -> None:
        """Write what was taken until cancelled. Raises Lost when the shard is another's."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks, self._interact = tasks, interact
                tasks.create_task(self._save_session_often(lease))
                while True:
                    work = await self._gather()
                    await self._write_surely(work, lease)
        finally:
            self._let_go(self._pending)

    def _let_go(self, count: int) -> None:
        self._pending -= count
        self._backlog.done(count)

    async def drain(self, lease: Lease) -> None:
        """Write all that waits, and the session. Raises Lost, Unavailable."""
        while not self._queue.empty():
            await self._write(await self._gather(), lease)
        await self.save_session(lease)

    async def _gather(self) -> _Work:
        """Join what waits into one piece of work."""
        whole = await self._queue.get()
        for _ in range(min(self._queue.qsize(), _AT_ONCE)):
            more = self._queue.get_nowait()
            whole.change.voice |= more.change.voice
            whole.change.facts |= more.change.facts
            whole.change.messages += more.change.messages
            whole.ends += more.ends
            whole.count += more.count
        return whole

    async def _write_surely(self, work: _Work, lease: Callable[[], Lease | None]) -> None:
        while True:
            held = lease()
            if held is None:
                raise Lost
            try:
                await self._write(work, held)
            except (Unavailable, Lost) as error:
                # Lost while the lease is ours by our own account: Redis was emptied, and the next
                # renewal takes it again; or it is another's, and the next renewal tells us so.
                _log.warning("events wait for redis", why=repr(error), waiting=self.waiting)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _write(self, work: _Work, lease: Lease) -> None:
        """Write the index first, then tell the players, then acknowledge."""
        change = work.change
        self._repeat_what_was_lost(change, lease)
        await self._store.save(lease, self._state, voice=change.voice, facts=change.facts)
        await self._producer.send_all(change.messages)
        for sequence, seq in work.ends:
            sequence.end(seq)
        self._let_go(work.count)
        session = self._session
        if session is not None and session.session_id != self._saved_id:
            await self.save_session(lease)  # a new one: without it the next owner must IDENTIFY

    def _repeat_what_was_lost(self, change: Change, lease: Lease) -> None:
        """Write all there is under a lease that is ours anew: Redis forgot the one before."""
        if self._epoch not in {0, lease.epoch}:
            everything = self._state.everything()
            change.voice |= everything.voice
            change.facts |= everything.facts
            self._saved = None
        self._epoch = lease.epoch

    async def _save_session_often(self, lease: Callable[[], Lease | None]) -> None:
        while True:
            await asyncio.sleep(0.2)
            held = lease()
            if held is None:
                continue
            if self._epoch not in {0, held.epoch}:
                self._put(_Work(Change()))  # nothing need happen for it to be written
            try:
                await self.save_session(held)
            except (Unavailable, Lost):
                await asyncio.sleep(_RETRY_SECONDS)

    @property
    def _saved_id(self) -> str:
        return self._saved.session_id if self._saved is not None else ""

    async def save_session(self, lease: Lease) -> None:
        """Write the session with its acknowledged seq, if it changed. Raises Lost, Unavailable."""
        session = self.session
        if session is not None and session != self._saved:
            await self._store.save_session(lease, session)
            self._saved = session
