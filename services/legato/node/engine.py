"""The node's lanes, pacers and feeds, seen from the control process; it waits for none of them."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from legato.node import channel, messages, protocol, ring
from legato.node.children import Child, spawn, tell
from legato.node.dave.key_handles import KeyHandle, KeyHandles, KeyOwner
from legato.node.pacing import Board
from legato.node.settings import NodeSettings
from legato.node.workers import Feed, Workers

START_TIMEOUT = 20.0
"""Seconds that a child may take to start; seconds on a loaded machine."""

EXIT_TIMEOUT = 1.0

Pacing = messages.Started | messages.Ending | messages.Drained | messages.Hushed


@dataclass(slots=True)
class Pacer:
    """One pacing process."""

    child: Child[messages.FromPacer]
    board: Board
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    lanes: "dict[int, Lane]" = field(default_factory=dict)


class Lane:
    """One player's way to the wire."""

    def __init__(self, engine: "Engine", pacer: Pacer, number: int, page: ring.Memory) -> None:
        self._engine = engine
        self._pacer = pacer
        self.number = number
        self.page = page
        self.feed: Feed | None = None
        self.end: int | None = None
        self.keys: KeyHandle | None = None
        """Of the call that its frames are encrypted for."""
        self.tail: int | None = None
        """The play whose end was told and whose last frames may still be going out."""
        self.replaced: deque[tuple[int, int]] = deque(maxlen=8)
        """Plays that another may still have to begin after, and the feeds of each."""
        self.on_pacing: Callable[[Pacing], None] = lambda _: None
        self.on_failed: Callable[[int, protocol.ExceptionInfo, bool], None] = lambda *_: None

    def position(self, play: int) -> int | None:
        """Samples of the track that have gone out; None before the first frame of this play."""
        if self.page.words[ring.LANE_FEED] != play:
            return None
        return self.page.words[ring.LANE_POSITION]

    def counts(self) -> tuple[int, int, int]:
        """Count frames due, sent and nulled."""
        words = self.page.words
        return words[ring.LANE_DUE], words[ring.LANE_SENT], words[ring.LANE_NULLED]

    def tell(self, message: messages.ToPacer, descriptors: tuple[int, ...] = ()) -> None:
        """Tell the pacer."""
        tell(self._pacer.child, message, descriptors)

    def close(self) -> None:
        """End the lane and its feed."""
        self._engine.close_lane(self)

    def open_keys(self, user: int, channel: int, owner: KeyOwner) -> KeyHandle:
        """Let its frames be encrypted with the keys of this part in a call."""
        handle = self._engine.keys.open(user, channel, owner)
        self._engine.use_keys(self, handle)
        return handle

    def close_keys(self, handle: KeyHandle) -> None:
        """Forget these keys."""
        if self.keys is handle:
            self._engine.use_keys(self, None)

    def follow_feed(self) -> None:
        """Let the key process know what plays."""
        self._engine.follow_feed(self)

    def tell_keys(self, message: messages.Asked | messages.SendPlain) -> None:
        """Tell the key process."""
        self._engine.keys.tell(message)

    def paced(self, message: Pacing) -> None:
        """Take what the pacer says: with a play's first frame those before it are over."""
        if isinstance(message, messages.Started):
            self._engine.forget(self, message.feed)
        self.on_pacing(message)

    def feed_failed(self, feed: Feed, exception: protocol.ExceptionInfo) -> None:
        """Pass on that a feed's source broke."""
        self.on_failed(feed.play, exception, feed.memory.words[ring.WRITTEN] == 0)

    def feed_orphaned(self, feed: Feed) -> None:
        """Let another process go on."""
        if self.feed is feed:
            self._engine.refill(self, feed)


class Engine:
    """All child processes of a node."""

    def __init__(self, settings: NodeSettings, lost: Callable[[str], None]) -> None:
        self._settings = settings
        self._lost = lost
        self.pacers: list[Pacer] = []
        self.workers = Workers(settings, self._give_up)
        self.keys = KeyHandles(settings.media(), self._give_up)
        self._numbers = iter(range(1, 1 << 62))
        self._closing = False
        self._waiting: list[asyncio.Event] = []
        self._counted = (0, 0, 0)

    async def start(self) -> None:
        """Start every child and wait until each has answered."""
        for _ in range(max(1, self._settings.pacers)):
            self.pacers.append(self._start_pacer())
        self.keys.start()
        others = [self.keys.ready, *self.workers.start()]
        self._waiting = [*(pacer.ready for pacer in self.pacers), *others]
        async with asyncio.timeout(START_TIMEOUT):
            for ready in self._waiting:
                await ready.wait()
        self.workers.keep(steady=not self._closing)

    def close(self) -> None:
        """End every child."""
        self._closing = True
        for pacer in self.pacers:
            channel.unwatch(pacer.child.channel)
            pacer.child.process.terminate()
        self.workers.terminate()
        self.keys.terminate()
        for pacer in self.pacers:
            pacer.child.end(EXIT_TIMEOUT)
        self.workers.close(EXIT_TIMEOUT)
        self.keys.close(EXIT_TIMEOUT)

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
        self.use_keys(lane, None)
        self.drop_feed(lane)
        self._counted = _sum(self._counted, lane.counts())
        for pacer in self.pacers:
            if pacer.lanes.pop(lane.number, None) is not None:
                lane.tell(messages.CloseLane(lane=lane.number))
        lane.page.close()

    def open_feed(self, lane: Lane, play: int, order: messages.OpenFeed) -> None:
        """Let a worker fill a new ring, and the lane go over to it."""
        descriptor = ring.allocate(ring.FEED_SIZE, "feed")
        memory = ring.Memory(descriptor, ring.FEED_SIZE)
        memory.words[ring.POSITION] = order.start
        self.drop_feed(lane)
        lane.feed = self.workers.fill(order, memory, descriptor, lane, play)
        message = messages.Play(
            lane=lane.number, feed=play, align=order.align, end=lane.end, behind=lane.tail
        )
        lane.tell(message, (descriptor,))
        self.follow_feed(lane)

    def use_keys(self, lane: Lane, handle: KeyHandle | None) -> None:
        """Let a lane's frames be encrypted with these keys, or no more."""
        if lane.keys is not None and lane.keys is not handle:
            self.keys.shut(lane.keys)
        lane.keys = handle
        self.follow_feed(lane)

    def follow_feed(self, lane: Lane) -> None:
        """Let the key process encrypt what a lane plays."""
        if lane.keys is not None and lane.feed is not None:
            message = messages.Follow(membership=lane.keys.number, feed=lane.feed.order.feed)
            self.keys.tell(message, (lane.feed.descriptor,))

    def shape_feed(self, lane: Lane, volume: int, filters: protocol.Filters) -> None:
        """Change volume and filters of what a lane plays."""
        if lane.feed is not None:
            self.workers.shape(lane.feed, volume, filters)

    def stop_feed(self, lane: Lane, play: int | None = None) -> None:
        """Let a lane play nothing, or only not this play."""
        self._unfollow(lane)
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
        if feed is not None:
            lane.replaced.append((feed.play, feed.order.feed))
            self.workers.drop(feed)

    def forget(self, lane: Lane, begun: int) -> None:
        """Let the key process encrypt no more what plays before this one left behind."""
        over = [each for each in lane.replaced if each[0] < begun]
        for each in over:
            lane.replaced.remove(each)
            if lane.keys is not None:
                self.keys.tell(messages.Unfollow(membership=lane.keys.number, feed=each[1]))

    def _unfollow(self, lane: Lane) -> None:
        if lane.keys is not None and lane.feed is not None:
            message = messages.Unfollow(membership=lane.keys.number, feed=lane.feed.order.feed)
            self.keys.tell(message)

    def refill(self, lane: Lane, feed: Feed) -> None:
        """Let another worker fill a new ring from the frame that is due."""
        begun = lane.position(feed.play)
        start = feed.order.start if begun is None else begun
        if feed.order.live:
            start += self._settings.buffer_ms * 48
        order = msgspec.structs.replace(feed.order, start=start, align=True)
        self.open_feed(lane, feed.play, order)

    def frames(self) -> tuple[int, int, int]:
        """Count frames due, sent and nulled since the start."""
        total = self._counted
        for pacer in self.pacers:
            for lane in pacer.lanes.values():
                total = _sum(total, lane.counts())
        return total

    def _start_pacer(self) -> Pacer:
        descriptor = ring.allocate(ring.BOARD_SIZE, "board")
        child = spawn(
            "legato.node.pacing",
            self._settings.media(),
            msgspec.msgpack.Decoder(messages.FromPacer),
            (descriptor,),
        )
        pacer = Pacer(child, Board(descriptor))
        os.close(descriptor)
        channel.watch(child.channel, lambda m, _: _paced(pacer, m), self._pacer_lost)
        return pacer

    def _pacer_lost(self) -> None:
        """A pacer holds the numbering of its packets: without it the node can't go on."""
        self._give_up("a pacing process ended")

    def _give_up(self, why: str) -> None:
        """Let whoever waits for the start see that it will not come."""
        if self._closing:
            return
        self._closing = True
        self._lost(why)
        for ready in self._waiting:
            ready.set()


def _sum(first: tuple[int, int, int], second: tuple[int, int, int]) -> tuple[int, int, int]:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def _paced(pacer: Pacer, message: messages.FromPacer) -> None:
    match message:
        case messages.Ready():
            pacer.ready.set()
        case messages.Started() | messages.Ending() | messages.Drained() | messages.Hushed():
            lane = pacer.lanes.get(message.lane)
            if lane is not None:
                lane.paced(message)
