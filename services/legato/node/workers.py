"""The media processes, seen from the control process: what each loads and fills, and who follows.

A process that dies, or answers no more, is not heard: the rings it filled last for a second, and
another goes on where it stopped.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from legato.node import channel, messages, protocol, ring
from legato.node.children import Child, spawn, tell
from legato.node.errors import MediaError
from legato.node.heads import Heads
from legato.node.settings import NodeSettings

RESTART_WINDOW = 10.0
MOST_RESTARTS = 20
"""Restarts of media processes in one window before the node gives up."""

ROUNDS = 10
"""Questions left unanswered, a tenth of `worker_timeout` apart, before a process is replaced.

Rounds are counted and not seconds: a control process that was held up itself counts one."""

LATE_ROUNDS = 3
"""Unanswered questions after which a process's feeds that run low go to another."""

LOW = 0.75
"""Of the sound always kept ready: a feed with less has not been looked after."""


class Owner(Protocol):
    """Who a feed is filled for."""

    def feed_failed(self, feed: "Feed", exception: protocol.ExceptionInfo) -> None:
        """Its source broke."""

    def feed_orphaned(self, feed: "Feed") -> None:
        """Its process fills it no more."""


@dataclass(slots=True)
class Feed:
    """One feed: what fills it, for which play of whom."""

    order: messages.OpenFeed
    memory: ring.Memory
    owner: Owner
    play: int
    worker: "Worker"
    descriptor: int
    """Of its memory, kept to be passed on."""

    @property
    def open(self) -> bool:
        """Whether more is to be written."""
        return self.memory.words[ring.STATE] == ring.OPEN

    @property
    def ready_ms(self) -> int:
        """How much sound waits in it."""
        return (self.memory.words[ring.WRITTEN] - self.memory.words[ring.READ]) * 20


@dataclass(slots=True)
class Worker:
    """One media process."""

    child: Child[messages.FromWorker]
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    feeds: dict[int, Feed] = field(default_factory=dict)
    loads: dict[int, asyncio.Future[bytes]] = field(default_factory=dict)
    unanswered: int = 0

    @property
    def burden(self) -> tuple[bool, bool, int]:
        """How little it should be given more: it starts, it is silent, it does much."""
        silent = self.unanswered >= LATE_ROUNDS
        return not self.ready.is_set(), silent, len(self.feeds) + len(self.loads)


class Workers:
    """All media processes of a node."""

    def __init__(self, settings: NodeSettings, give_up: Callable[[str], None]) -> None:
        self._settings = settings
        self._media = settings.media()
        self._give_up = give_up
        self._all: list[Worker] = []
        self._numbers = iter(range(1, 1 << 62))
        self._heads = Heads(most=settings.heads_bytes)
        self._recent: list[float] = []
        self._steady = False
        """Whether a process that dies is replaced: not while the node starts or ends."""
        self.restarts = 0

    @property
    def ready(self) -> bool:
        """Whether every process serves."""
        return all(worker.ready.is_set() for worker in self._all)

    def start(self) -> list[asyncio.Event]:
        """Start every process; gives what tells that each serves."""
        self._all = [self._spawn() for _ in range(max(1, self._settings.workers))]
        return [worker.ready for worker in self._all]

    def keep(self, *, steady: bool) -> None:
        """Say whether what dies is replaced."""
        self._steady = steady

    def terminate(self) -> None:
        """Ask every process to end."""
        self._steady = False
        for worker in self._all:
            channel.unwatch(worker.child.channel)
            worker.child.process.kill()

    def close(self, timeout: float) -> None:
        """Wait until every process has ended."""
        for worker in self._all:
            worker.child.end(timeout)
        self._heads.close()

    async def load(self, identifier: str) -> bytes:
        """Ask what is behind a link; gives loadtracks' JSON. Raises MediaError."""
        worker = self._least_busy()
        request = next(self._numbers)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        worker.loads[request] = answer
        try:
            tell(worker.child, messages.Load(request=request, identifier=identifier))
            async with asyncio.timeout(self._media.load_timeout + 5):
                return await answer
        except TimeoutError as error:
            raise MediaError("Loading took too long.", "suspicious", repr(error)) from error
        finally:
            worker.loads.pop(request, None)

    def fill(
        self,
        order: messages.OpenFeed,
        memory: ring.Memory,
        descriptor: int,
        owner: Owner,
        play: int,
    ) -> Feed:
        """Let the least busy process fill a ring; its descriptor is then the feed's."""
        known = self._heads.find(order.uri, now=time.monotonic())
        head, *heads = known or (None,)
        order = msgspec.structs.replace(order, feed=next(self._numbers), head=head)
        worker = self._least_busy()
        feed = Feed(order, memory, owner, play, worker, descriptor)
        worker.feeds[order.feed] = feed
        tell(worker.child, order, (descriptor, *heads))
        return feed

    def shape(self, feed: Feed, volume: int, filters: protocol.Filters) -> None:
        """Change a feed's volume and filters."""
        feed.order = msgspec.structs.replace(feed.order, volume=volume, filters=filters)
        order = messages.ShapeFeed(feed=feed.order.feed, volume=volume, filters=filters)
        tell(feed.worker.child, order)

    def drop(self, feed: Feed) -> None:
        """Let a feed go."""
        if feed.worker.feeds.pop(feed.order.feed, None) is not None:
            tell(feed.worker.child, messages.CloseFeed(feed=feed.order.feed))
        feed.memory.close()
        os.close(feed.descriptor)

    async def watch(self) -> None:
        """Ask every process whether it lives, until cancelled."""
        pause = self._settings.worker_timeout.total_seconds() / ROUNDS
        while True:
            await asyncio.sleep(pause)
            for worker in tuple(self._all):
                if worker.ready.is_set():
                    self._ask(worker)

    def _ask(self, worker: Worker) -> None:
        """Ask again, and act on how many questions were left unanswered."""
        if worker.unanswered >= ROUNDS:
            worker.child.process.kill()
            return
        if worker.unanswered >= LATE_ROUNDS:
            self._relieve(worker)
        worker.unanswered += 1
        tell(worker.child, messages.Ping())

    def _relieve(self, silent: Worker) -> None:
        """Give what runs low to another process, if one answers."""
        if self._least_busy().burden[:2] != (False, False):
            return
        for feed in list(silent.feeds.values()):
            if feed.open and feed.ready_ms < self._media.buffer_ms * LOW:
                feed.owner.feed_orphaned(feed)

    def _spawn(self) -> Worker:
        decoder = msgspec.msgpack.Decoder(messages.FromWorker)
        worker = Worker(spawn("legato.node.media.worker", self._media, decoder))
        channel.watch(
            worker.child.channel,
            lambda message, descriptors: self._worked(worker, message, descriptors),
            lambda: self._lost(worker),
        )
        return worker

    def _worked(self, worker: Worker, message: messages.FromWorker, descriptors: list[int]) -> None:
        worker.unanswered = 0
        match message:
            case messages.Ready():
                worker.ready.set()
            case messages.Loaded(request=request, body=body):
                answer = worker.loads.get(request)
                if answer is not None and not answer.done():
                    answer.set_result(body)
            case messages.Head():
                self._heads.keep(message, descriptors[0], now=time.monotonic())
            case messages.FeedFailed(feed=number, exception=exception):
                feed = worker.feeds.get(number)
                if feed is not None:
                    feed.owner.feed_failed(feed, exception)
            case messages.Pong():
                return

    def _lost(self, worker: Worker) -> None:
        """Let the others go on where the dead one stopped, and start another in its place."""
        worker.child.process.kill()
        self._all.remove(worker)
        if not self._steady or self._too_often():
            worker.child.end(1.0)
            self._give_up("media processes do not stay alive")
            worker.ready.set()
            return
        if self._all:
            # First of all: starting a process takes a while on a loaded machine.
            _bereave(worker)
        worker.child.end(1.0)
        self._all.append(self._spawn())
        _bereave(worker)

    def _too_often(self) -> bool:
        """Count this restart; say whether there were too many in a short time."""
        self.restarts += 1
        now = time.monotonic()
        self._recent = [at for at in self._recent if at > now - RESTART_WINDOW] + [now]
        return len(self._recent) > MOST_RESTARTS

    def _least_busy(self) -> Worker:
        return min(self._all, key=lambda each: each.burden)


def _bereave(dead: Worker) -> None:
    """Let each load of a dead process fail, and each of its feeds go to another."""
    for answer in dead.loads.values():
        if not answer.done():
            answer.set_exception(MediaError("Loading broke off.", "fault", "a media process ended"))
    feeds = list(dead.feeds.values())
    dead.feeds.clear()
    for feed in feeds:
        if feed.open:
            feed.owner.feed_orphaned(feed)
