"""The media process: loads links and fills feeds, each in a thread; its death is not heard."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import av.logging
import msgspec

from legato.node import messages, protocol, ring
from legato.node.channel import Channel, Closed
from legato.node.children import enter
from legato.node.media import loading, memory
from legato.node.media.pump import Pump
from legato.node.media.turns import Turns
from legato.node.settings import MediaSettings
from legato.node.sources.http import HttpReader, Known


class Worker:
    """One process's feeds and loads."""

    def __init__(self, channel: Channel[messages.ToWorker], settings: MediaSettings) -> None:
        self._channel = channel
        self._settings = settings
        self._pumps: dict[int, Pump] = {}
        self._turns = Turns()
        self._loads = ThreadPoolExecutor(settings.max_loads, thread_name_prefix="load")
        self._sending = threading.Lock()

    def run(self) -> None:
        """Serve until the control process is gone."""
        while True:
            message, descriptors = self._channel.receive()
            self._handle(message, descriptors)

    def _handle(self, message: messages.ToWorker, descriptors: list[int]) -> None:
        match message:
            case messages.Load():
                self._loads.submit(self._load, message)
            case messages.OpenFeed(feed=feed, start=start):
                written = ring.FeedWriter(descriptors[0], start)
                reader = HttpReader(message.uri, self._settings, known=_known(message, descriptors))
                opened = self._pumps[feed] = Pump(
                    message, written, reader, self._settings, self._turns
                )
                opened.start(lambda why: self._failed(feed, why))
                for descriptor in descriptors:
                    os.close(descriptor)
            case messages.ShapeFeed(feed=feed, volume=volume, filters=filters):
                if feed in self._pumps:
                    self._pumps[feed].reshape(volume, filters)
            case messages.CloseFeed(feed=feed):
                pump = self._pumps.pop(feed, None)
                if pump is not None:
                    pump.close()
            case messages.Ping():
                self._tell(messages.Pong())
            case messages.Configure():
                return

    def _load(self, message: messages.Load) -> None:
        with closing(loading.Load(message.identifier, self._settings)) as load:
            body = msgspec.json.encode(_answer(load))
            self._tell(messages.Loaded(request=message.request, body=body))
            known = load.beginning()
        if known is not None:
            self._leave(message.identifier, known)

    def _leave(self, link: str, known: Known) -> None:
        """Leave a file's beginning where whoever plays it finds it."""
        descriptor = ring.allocate(len(known.data), "head")
        os.pwrite(descriptor, known.data, 0)
        head = messages.Head(
            link=link,
            size=len(known.data),
            length=known.length,
            content_type=known.content_type,
        )
        self._tell(head, (descriptor,))
        os.close(descriptor)

    def _failed(self, feed: int, why: protocol.ExceptionInfo) -> None:
        self._tell(messages.FeedFailed(feed=feed, exception=why))

    def _tell(self, message: messages.FromWorker, descriptors: tuple[int, ...] = ()) -> None:
        with self._sending, suppress(Closed):
            self._channel.send(message, descriptors)


def _answer(load: loading.Load) -> protocol.LoadResult:
    """Answer a load, whatever its link leads to."""
    try:
        return load.answer()
    except Exception as error:  # the edge of a load: who asked waits for a word
        return protocol.load_failure(
            "Something broke when loading the track.", "fault", repr(error)
        )


def _known(order: messages.OpenFeed, descriptors: list[int]) -> Known | None:
    """Read the beginning that came along with an order."""
    head = order.head
    if head is None or len(descriptors) < 2:
        return None
    data = os.pread(descriptors[1], head.size, 0)
    return Known(data=data, length=head.length, content_type=head.content_type)


def main() -> None:
    """Run as a child."""
    channel, settings, _ = enter(msgspec.msgpack.Decoder(messages.ToWorker))
    av.logging.set_level(None)
    memory.gather()
    memory.bound()
    channel.send(messages.Ready())
    with suppress(Closed):
        Worker(channel, settings).run()
    # Threads may hang in a read; nothing here needs to be kept.
    os._exit(0)


if __name__ == "__main__":
    main()
