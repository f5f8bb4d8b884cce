"""The shard's inbox: what players ask of Discord, each done once, the position kept."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar, assert_never

import msgspec

from legato import telemetry
from legato.bus import Bus, Entry, Undecodable
from legato.contracts import keys
from legato.contracts.actions import Actions, JoinVoice, Reply, ShowPanel
from legato.contracts.partitions import Shard
from legato.errors import Unavailable
from legato.gateway.metrics import Metrics
from legato.gateway.sequence import Sequence
from legato.gateway.shard_store import DONE_KEPT, Lost, ShardStore
from legato.leases import Lease

_DECODER: msgspec.json.Decoder[Actions] = msgspec.json.Decoder(Actions)
_AT_ONCE = 256
_TRIM_EVERY = 500

_log = telemetry.logger(__name__)

T = TypeVar("T")
Do = Callable[[Actions], Awaitable[None]]


class Inbox:
    """Reads actions and has them done, several at once; the position never passes an undone one.

    Panels wait for Discord's limits, when a node goes hundreds of them: they hold up nobody.
    """

    def __init__(
        self, bus: Bus, store: ShardStore, shard: Shard, *, do: Do, metrics: Metrics
    ) -> None:
        self._bus = bus
        self._store = store
        self._shard = shard
        self._do = do
        self._metrics = metrics
        self._order = Sequence()
        self._ids: dict[int, str] = {}
        self._done: list[str] = []
        self._known: dict[str, float] = {}
        self._since_trim = 0
        self._changed = asyncio.Event()

    async def run(self, lease: Callable[[], Lease | None]) -> None:
        """Work until cancelled. Raises Lost when the shard is another's."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._commit_all(lease))
            await self._read_all(tasks)

    async def _read_all(self, tasks: asyncio.TaskGroup) -> None:
        after = await _until_there(self._store.position)
        self._know(*await _until_there(self._store.done))
        room = asyncio.Semaphore(_AT_ONCE)
        number = 0
        while True:
            try:
                entries = await self._bus.read(
                    keys.inbox(self._shard), after, decoder=_DECODER, block=timedelta(seconds=1)
                )
            except Unavailable:
                await asyncio.sleep(0.5)
                continue
            for entry in entries:
                number += 1
                after = entry.id
                self._order.begin(number)
                self._ids[number] = entry.id
                if isinstance(entry.message, ShowPanel):
                    tasks.create_task(self._take(number, entry))
                    continue
                await room.acquire()
                task = tasks.create_task(self._take(number, entry))
                task.add_done_callback(lambda _: room.release())

    def _know(self, *keys_done: str) -> None:
        """Keep what is done, and forget what is too old to be asked again."""
        now = asyncio.get_running_loop().time()
        self._known |= dict.fromkeys(keys_done, now)
        while self._known:
            oldest = next(iter(self._known))
            if now - self._known[oldest] <= DONE_KEPT.total_seconds():
                break
            del self._known[oldest]

    async def _take(self, number: int, entry: Entry[Actions]) -> None:
        message = entry.message
        try:
            if isinstance(message, Undecodable):
                self._metrics.actions.labels("undecodable").inc()
                _log.error("an action can't be read", entry=entry.id, why=message.why)
            elif not self._is_done(message):
                self._metrics.actions.labels(_name(message)).inc()
                await self._do(message)
                if _is_once(message):
                    self._done.append(message.key)
                    self._know(message.key)
        except Unavailable as error:
            _log.warning("an action was given up", entry=entry.id, why=str(error))
        except Exception:  # an edge: one action that fails ends no others
            _log.exception("an action failed", entry=entry.id)
        self._order.end(number)
        self._changed.set()

    def _is_done(self, message: Actions) -> bool:
        return _is_once(message) and message.key in self._known

    async def _commit_all(self, lease: Callable[[], Lease | None]) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            held = lease()
            if held is None:
                raise Lost
            try:
                await self.commit(held)
            except (Unavailable, Lost):
                await asyncio.sleep(0.5)
                self._changed.set()

    async def commit(self, lease: Lease) -> None:
        """Write down what is done. Raises Lost, Unavailable."""
        done, upto = [*self._done], self._order.done
        position = self._ids.get(upto, "")
        if not done and not position:
            return
        await self._store.save_done(lease, position, done)
        del self._done[: len(done)]
        for number in [n for n in self._ids if n < upto]:
            del self._ids[number]
            self._since_trim += 1
        if position and self._since_trim >= _TRIM_EVERY:
            self._since_trim = 0
            await self._bus.trim(keys.inbox(self._shard), position)


def _is_once(message: Actions) -> bool:
    """Name what would be noticed twice; a panel is brought about, not sent.

    A reply would show again, and to leave once more would end what plays by then.
    """
    return isinstance(message, Reply | JoinVoice)


def _name(message: Actions) -> str:
    match message:
        case Reply():
            return "reply"
        case JoinVoice():
            return "join_voice"
        case ShowPanel():
            return "show_panel"
        case _:
            assert_never(message)


async def _until_there(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until Redis answers."""
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(0.5)
