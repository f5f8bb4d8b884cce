"""The pacing process: sends every lane's frame each 20 ms by absolute deadlines, nothing else.

It reads shared memory, encrypts and sends; what takes longer (links, media, voice websockets) is
other processes'.
"""

import gc
import os
import random
import select
import socket
import time
from contextlib import suppress

import msgspec

from legato.node import messages, ring, rtp
from legato.node.channel import Channel, Closed
from legato.node.children import enter, favour
from legato.node.lanes import Feed, Lane, Report

FRAME_NS = rtp.FRAME_MS * 1_000_000
CATCH_UP = 10
"""Frames sent late in one go; a longer stall moves the clock instead of flooding the listener."""

BOARD_TICKS, BOARD_SKIPPED, BOARD_LATE_SUM_NS, BOARD_LANES = range(4)
LAG_BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100)


class Transport:
    """A voice server's socket and numbering."""

    def __init__(self, end: socket.socket, packets: rtp.Packets) -> None:
        self._socket = end
        self._packets = packets

    def send(self, frame: bytes) -> None:
        """Send one frame; a full or refused socket loses it, as the network may."""
        with suppress(OSError):
            self._socket.send(self._packets.pack(frame))

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


class Pacer:
    """All lanes of this process on one clock."""

    def __init__(self, channel: Channel[messages.ToPacer], board: "Board", lead: int) -> None:
        self._channel = channel
        self._board = board
        self._lead = lead
        self._lanes: dict[int, Lane] = {}
        self._transports: dict[int, Transport] = {}

    def run(self) -> None:
        """Pace until the control process is gone."""
        deadline = time.monotonic_ns()
        while True:
            deadline = self._await(deadline + FRAME_NS)
            self._tick()

    def _await(self, deadline: int) -> int:
        """Serve the control channel until the deadline; gives the deadline kept."""
        while True:
            busy = any(not lane.idle for lane in self._lanes.values())
            wait = deadline - time.monotonic_ns()
            if busy and wait <= 0:
                break
            readable, _, _ = select.select([self._channel.socket], [], [], max(0, wait) / 1e9)
            if readable:
                self._serve()
            elif not busy:
                # Nobody plays: the clock starts anew with the first that does.
                self._channel_idle()
                return time.monotonic_ns()
        late = time.monotonic_ns() - deadline
        self._board.late(max(0, late))
        if late > CATCH_UP * FRAME_NS:
            skipped = late // FRAME_NS
            self._board.skip(skipped)
            for lane in self._lanes.values():
                if lane.due:
                    lane.page.words[ring.LANE_DUE] += skipped
            return deadline + skipped * FRAME_NS
        return deadline

    def _channel_idle(self) -> None:
        """Sleep until there is a message."""
        if any(not lane.idle for lane in self._lanes.values()):
            return
        select.select([self._channel.socket], [], [], 1.0)
        self._serve()

    def _tick(self) -> None:
        for number, lane in list(self._lanes.items()):
            if lane.idle:
                continue
            report = Report()
            frame = lane.tick(report)
            transport = self._transports.get(number)
            if frame is not None and transport is not None and lane.voiced:
                transport.send(frame)
            self._tell(number, report)
            self._drop(lane)
        self._board.tick(len(self._lanes))

    def _tell(self, number: int, report: Report) -> None:
        if report.started is not None:
            self._channel.send(messages.Started(lane=number, feed=report.started))
        if report.ending is not None:
            self._channel.send(messages.Ending(lane=number, feed=report.ending))
        if report.drained is not None:
            self._channel.send(messages.Drained(lane=number, feed=report.drained))
        if report.hushed:
            self._channel.send(messages.Hushed(lane=number))

    def _serve(self) -> None:
        """Handle the messages that wait, a bounded number at a time."""
        for _ in range(8):
            try:
                message, descriptors = self._channel.receive(wait=False)
            except BlockingIOError:
                return
            self._handle(message, descriptors)

    def _handle(self, message: messages.ToPacer, descriptors: list[int]) -> None:
        match message:
            case messages.OpenLane(lane=number):
                page = ring.Memory(descriptors[0], ring.LANE_SIZE)
                self._lanes[number] = Lane(page, self._lead)
                os.close(descriptors[0])
            case messages.Configure():
                return
            case _:
                lane = self._lanes.get(message.lane)
                if lane is None:
                    for descriptor in descriptors:
                        os.close(descriptor)
                    return
                self._change(lane, message, descriptors)
                self._drop(lane)

    def _change(self, lane: Lane, message: "messages.ToPacer", descriptors: list[int]) -> None:
        match message:
            case messages.Play(feed=number, align=align, end=end, behind=behind):
                reader = ring.FeedReader(descriptors[0])
                lane.play(Feed(number, reader, align, end, behind))
                os.close(descriptors[0])
            case messages.StopFeed(feed=only):
                lane.stop(only)
            case messages.Pause(paused=paused):
                lane.paused = paused
            case messages.Limit(end=end):
                lane.limit(end)
            case messages.Voice():
                self._replace(message.lane, _transport(message, descriptors[0]))
                lane.voice(voiced=True, encrypted=message.encrypted)
            case messages.Encrypt(encrypted=encrypted):
                lane.encrypt(encrypted=encrypted)
            case messages.Unvoice():
                lane.voice(voiced=False)
                self._replace(message.lane, None)
            case messages.Hush():
                lane.hushing = True
            case messages.CloseLane():
                lane.stop()
                self._replace(message.lane, None)
                self._drop(lane)
                lane.page.close()
                del self._lanes[message.lane]
            case _:
                return

    def _replace(self, number: int, transport: Transport | None) -> None:
        old = self._transports.pop(number, None)
        if old is not None:
            old.close()
        if transport is not None:
            self._transports[number] = transport

    @staticmethod
    def _drop(lane: Lane) -> None:
        for feed in lane.dropped:
            feed.reader.close()
        lane.dropped.clear()


class Board(ring.Memory):
    """The pacer's own figures, shared with the control process."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, ring.BOARD_SIZE)
        self.table = self._view[ring.HEADER_SIZE : ring.HEADER_SIZE + 128].cast("Q")

    def tick(self, lanes: int) -> None:
        """Count one tick."""
        self.words[BOARD_TICKS] += 1
        self.words[BOARD_LANES] = lanes

    def skip(self, ticks: int) -> None:
        """Count ticks that were given up after a stall."""
        self.words[BOARD_SKIPPED] += ticks

    def late(self, ns: int) -> None:
        """Count how late one tick began."""
        self.words[BOARD_LATE_SUM_NS] += ns
        for index, limit in enumerate(LAG_BUCKETS_MS):
            if ns <= limit * 1_000_000:
                self.table[index] += 1
                return
        self.table[len(LAG_BUCKETS_MS)] += 1

    def close(self) -> None:
        """Let go of the memory."""
        self.table.release()
        super().close()


def _transport(message: messages.Voice, descriptor: int) -> Transport:
    end = socket.socket(fileno=descriptor)
    end.setblocking(False)
    packets = rtp.Packets(
        message.ssrc,
        rtp.sealer(message.mode, message.key),
        sequence=random.getrandbits(16),
        timestamp=random.getrandbits(32),
    )
    return Transport(end, packets)


def main() -> None:
    """Run as a child: channel and board are inherited descriptors."""
    channel, settings, descriptors = enter(msgspec.msgpack.Decoder(messages.ToPacer))
    board = Board(descriptors[0])
    _favour()
    channel.send(messages.Ready())
    gc.collect()
    gc.freeze()
    gc.disable()
    with suppress(Closed):
        Pacer(channel, board, settings.end_lead_ms // rtp.FRAME_MS).run()


def _favour() -> None:
    """Ask the machine to run this process first; without the right to, it runs as any other."""
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        return
    favour(-10)


if __name__ == "__main__":
    main()
