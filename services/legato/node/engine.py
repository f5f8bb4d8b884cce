"""The node's pacers and media workers, seen from the control process.

It opens lanes and feeds, passes loads on, and replaces media processes that die.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from legato.node import channel, messages, protocol, ring
from legato.node.children import Child, spawn
from legato.node.errors import MediaError
from legato.node.pacing import Board
from legato.node.settings import MediaSettings, NodeSettings

START_TIMEOUT = 20.0
"""Seconds that a child may take to start; seconds on a loaded machine."""

EXIT_TIMEOUT = 1.0
RESTART_WINDOW = 10.0
MOST_RESTARTS = 20
"""Restarts of media processes in one window before the node gives up."""

Pacing = messages.Started | messages.Ending | messages.Drained | messages.Hushed


@dataclass(slots=True)
class Feed:
    """One feed: who fills it, for which lane and play."""

    order: messages.OpenFeed
    memory: ring.Memory
    lane: "Lane"
    play: int
    worker: "Worker"


@dataclass(slots=True)
class Worker:
    """One media process."""

    child: Child[messages.FromWorker]
    ready: asyncio.Event
    feeds: dict[int, Feed]
    loads: dict[int, asyncio.Future[bytes]]

    @property
    def burden(self) -> int:
        """How much it does."""
        return len(self.feeds) + len(self.loads)


@dataclass(slots=True)
class Pacer:
    """One pacing process."""

    child: Child[messages.FromPacer]
    ready: asyncio.Event
    board: Board
    lanes: "dict[int, Lane]"


class Lane:
    """One player's way to the wire."""

    def __init__(self, engine: "Engine", pacer: Pacer, number: int, page: ring.Memory) -> None:
        self._engine = engine
        self._pacer = pacer
        self.number = number
        self.page = page
        self.feed: Feed | None = None
        self.end: int | None = None
        self.tail: int | None = None
        """The play whose end was told and whose last frames may still be going out."""
        self.on_pacing: Callable[[Pacing], None] = lambda _: None
        self.on_failed: Callable[[int, protocol.ExceptionInfo, bool], None] = lambda *_: None

    def position(self, play: int) -> int | None:
        """Samples of the track that have gone out; None before the first frame of this play."""
        if self.page.words[ring.LANE_FEED] != play:
            return None
        return self.page.words[ring.LANE_POSITION]

    def tell(self, message: messages.ToPacer, descriptors: tuple[int, ...] = ()) -> None:
        """Tell the pacer."""
        self._pacer.child.channel.send(message, descriptors)

    def close(self) -> None:
        """End the lane and its feed."""
        self._engine.close_lane(self)


class Engine:
    """All child processes of a node."""

    def __init__(self, settings: NodeSettings, lost: Callable[[str], None]) -> None:
        self._settings = settings
        self._media: MediaSettings = settings.media()
        self._lost = lost
        self.pacers: list[Pacer] = []
        self.workers: list[Worker] = []
        self._numbers = iter(range(1, 1 << 62))
        self._closing = False
        self._started = False
        self._recent: list[float] = []
        self.restarts = 0
        self._counted = [0, 0, 0]

    async def start(self) -> None:
        """Start every child and wait until each has answered."""
        for _ in range(max(1, self._settings.pacers)):
            self.pacers.append(self._start_pacer())
        for _ in range(max(1, self._settings.workers)):
            self.workers.append(self._start_worker())
        async with asyncio.timeout(START_TIMEOUT):
            for ready in self._readiness():
                await ready.wait()
        self._started = not self._closing

    def close(self) -> None:
        """End every child."""
        self._closing = True
        for pacer in self.pacers:
            channel.unwatch(pacer.child.channel)
            pacer.child.process.terminate()
        for worker in self.workers:
            channel.unwatch(worker.child.channel)
            worker.child.process.terminate()
        for pacer in self.pacers:
            pacer.child.end(EXIT_TIMEOUT)
        for worker in self.workers:
            worker.child.end(EXIT_TIMEOUT)

    def _readiness(self) -> list[asyncio.Event]:
        return [*(each.ready for each in self.pacers), *(each.ready for each in self.workers)]

    async def load(self, identifier: str) -> bytes:
        """Ask what is behind a link; gives loadtracks' JSON. Raises MediaError."""
        worker = self._least_busy()
        request = next(self._numbers)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        worker.loads[request] = answer
        try:
            _tell(worker, messages.Load(request=request, identifier=identifier))
            async with asyncio.timeout(self._media.load_timeout + 5):
                return await answer
        except TimeoutError as error:
            raise MediaError("Loading took too long.", "suspicious", repr(error)) from error
        finally:
            worker.loads.pop(request, None)

    def open_lane(self) -> Lane:
        """Begin a lane on the pacer with the fewest."""
        pacer = min(self.pacers, key=lambda each: len(each.lanes))
        number = next(self._numbers)
        descriptor = ring.allocate(ring.LANE_SIZE, "lane")
        lane = Lane(self, pacer, number, ring.Memory(descriptor, ring.LANE_SIZE))
        lane.tell(messages.OpenLane(lane=number), (descriptor,))
        os.close(descriptor)
        pacer.lanes[number] = lane
        return lane

    def close_lane(self, lane: Lane) -> None:
        """End a lane."""
        self.drop_feed(lane)
        self._counted = [
            total + count for total, count in zip(self._counted, _counts(lane), strict=True)
        ]
        for pacer in self.pacers:
            if pacer.lanes.pop(lane.number, None) is not None:
                lane.tell(messages.CloseLane(lane=lane.number))
        lane.page.close()

    def open_feed(
        self, lane: Lane, play: int, order: messages.OpenFeed, *, end: int | None, align: bool
    ) -> None:
        """Let the least busy worker fill a new ring, and the lane go over to it."""
        order = msgspec.structs.replace(order, feed=next(self._numbers), align=align)
        worker = self._least_busy()
        descriptor = ring.allocate(ring.FEED_SIZE, "feed")
        memory = ring.Memory(descriptor, ring.FEED_SIZE)
        memory.words[ring.POSITION] = order.start
        self.drop_feed(lane)
        lane.feed = Feed(order, memory, lane, play, worker)
        worker.feeds[order.feed] = lane.feed
        _tell(worker, order, (descriptor,))
        message = messages.Play(lane=lane.number, feed=play, align=align, end=end, behind=lane.tail)
        lane.tell(message, (descriptor,))
        os.close(descriptor)

    def shape_feed(self, lane: Lane, volume: int, filters: protocol.Filters) -> None:
        """Change volume and filters of what a lane plays."""
        feed = lane.feed
        if feed is None:
            return
        feed.order = msgspec.structs.replace(feed.order, volume=volume, filters=filters)
        number = feed.order.feed
        _tell(feed.worker, messages.ShapeFeed(feed=number, volume=volume, filters=filters))

    def stop_feed(self, lane: Lane, play: int | None = None) -> None:
        """Let a lane play nothing, or only not this play."""
        self.drop_feed(lane)
        if play is None:
            lane.tail = None
        lane.tell(messages.StopFeed(lane=lane.number, feed=play))

    def release_feed(self, lane: Lane) -> None:
        """Let go of a lane's feed, whose last frames are settled: the pacer plays them out."""
        lane.tail = None if lane.feed is None else lane.feed.play
        self.drop_feed(lane)

    def drop_feed(self, lane: Lane) -> None:
        """Let go of a lane's feed; its pacer plays on until told."""
        feed, lane.feed = lane.feed, None
        if feed is None:
            return
        if feed.worker.feeds.pop(feed.order.feed, None) is not None:
            _tell(feed.worker, messages.CloseFeed(feed=feed.order.feed))
        feed.memory.close()

    def frames(self) -> tuple[int, int, int]:
        """Count frames due, sent and nulled since the start."""
        due, sent, nulled = self._counted
        for pacer in self.pacers:
            for lane in pacer.lanes.values():
                counts = _counts(lane)
                due, sent, nulled = due + counts[0], sent + counts[1], nulled + counts[2]
        return due, sent, nulled

    def _start_pacer(self) -> Pacer:
        descriptor = ring.allocate(ring.BOARD_SIZE, "board")
        child = spawn(
            "legato.node.pacing",
            self._media,
            msgspec.msgpack.Decoder(messages.FromPacer),
            (descriptor,),
        )
        pacer = Pacer(child, asyncio.Event(), Board(descriptor), {})
        os.close(descriptor)
        channel.watch(child.channel, lambda m: _paced(pacer, m), self._pacer_lost)
        return pacer

    def _start_worker(self) -> Worker:
        child = spawn(
            "legato.node.media.worker", self._media, msgspec.msgpack.Decoder(messages.FromWorker)
        )
        worker = Worker(child, asyncio.Event(), {}, {})
        channel.watch(
            child.channel, lambda m: _worked(worker, m), lambda: self._worker_lost(worker)
        )
        return worker

    def _pacer_lost(self) -> None:
        """A pacer holds the numbering of its packets: without it the node can't go on."""
        if not self._closing:
            self._give_up("a pacing process ended")

    def _give_up(self, why: str) -> None:
        """Let whoever waits for the start see that it will not come."""
        self._closing = True
        self._lost(why)
        for ready in self._readiness():
            ready.set()

    def _worker_lost(self, worker: Worker) -> None:
        """Start another worker, and let the others go on where the dead one stopped filling."""
        if self._closing:
            return
        worker.child.process.kill()
        worker.child.end(EXIT_TIMEOUT)
        self.workers.remove(worker)
        if not self._started or self._too_often():
            self._give_up("media processes do not stay alive")
            worker.ready.set()
            return
        self.workers.append(self._start_worker())
        for answer in worker.loads.values():
            if not answer.done():
                answer.set_exception(
                    MediaError("Loading broke off.", "fault", "a media process ended")
                )
        feeds = list(worker.feeds.values())
        worker.feeds.clear()
        for feed in feeds:
            self._refill(feed)

    def _too_often(self) -> bool:
        """Count this restart; say whether there were too many in a short time."""
        self.restarts += 1
        now = time.monotonic()
        self._recent = [at for at in self._recent if at > now - RESTART_WINDOW] + [now]
        return len(self._recent) > MOST_RESTARTS

    def _least_busy(self) -> Worker:
        return min(self.workers, key=lambda each: (not each.ready.is_set(), each.burden))

    def _refill(self, feed: Feed) -> None:
        lane = feed.lane
        if lane.feed is not feed or feed.memory.words[ring.STATE] != ring.OPEN:
            return
        begun = lane.position(feed.play)
        start = feed.order.start if begun is None else begun
        if feed.order.live:
            start = start + self._media.buffer_ms * 48
        order = msgspec.structs.replace(feed.order, start=start)
        self.open_feed(lane, feed.play, order, end=lane.end, align=True)


def _tell(worker: Worker, message: messages.ToWorker, descriptors: tuple[int, ...] = ()) -> None:
    """Tell a worker; what is told to a dead one is given to another when its end is noticed."""
    with contextlib.suppress(channel.Closed):
        worker.child.channel.send(message, descriptors)


def _counts(lane: Lane) -> tuple[int, int, int]:
    words = lane.page.words
    return words[ring.LANE_DUE], words[ring.LANE_SENT], words[ring.LANE_NULLED]


def _paced(pacer: Pacer, message: messages.FromPacer) -> None:
    match message:
        case messages.Ready():
            pacer.ready.set()
        case messages.Started() | messages.Ending() | messages.Drained() | messages.Hushed():
            lane = pacer.lanes.get(message.lane)
            if lane is not None:
                lane.on_pacing(message)


def _worked(worker: Worker, message: messages.FromWorker) -> None:
    match message:
        case messages.Ready():
            worker.ready.set()
        case messages.Loaded(request=request, body=body):
            answer = worker.loads.get(request)
            if answer is not None and not answer.done():
                answer.set_result(body)
        case messages.FeedFailed(feed=number, exception=exception):
            feed = worker.feeds.get(number)
            if feed is not None:
                silent = feed.memory.words[ring.WRITTEN] == 0
                feed.lane.on_failed(feed.play, exception, silent)
