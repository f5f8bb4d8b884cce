"""The media process: loads links and fills feeds, each in a thread; its death is not heard."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import av.logging
import msgspec

from legato.node import messages, protocol
from legato.node.channel import Channel, Closed
from legato.node.children import enter
from legato.node.media import loading
from legato.node.media.pump import Pump
from legato.node.ring import FeedWriter
from legato.node.settings import MediaSettings


class Worker:
    """One process's feeds and loads."""

    def __init__(self, channel: Channel[messages.ToWorker], settings: MediaSettings) -> None:
        self._channel = channel
        self._settings = settings
        self._pumps: dict[int, Pump] = {}
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
                ring = FeedWriter(descriptors[0], start)
                os.close(descriptors[0])
                self._pumps[feed] = Pump(
                    message, ring, self._settings, lambda why: self._failed(feed, why)
                )
                self._pumps[feed].start()
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
        result = loading.load(message.identifier, self._settings)
        body = msgspec.json.encode(result)
        self._tell(messages.Loaded(request=message.request, body=body))

    def _failed(self, feed: int, why: protocol.ExceptionInfo) -> None:
        self._tell(messages.FeedFailed(feed=feed, exception=why))

    def _tell(self, message: messages.FromWorker) -> None:
        with self._sending, suppress(Closed):
            self._channel.send(message)


def main() -> None:
    """Run as a child."""
    channel, settings, _ = enter(msgspec.msgpack.Decoder(messages.ToWorker))
    av.logging.set_level(None)
    channel.send(messages.Ready())
    with suppress(Closed):
        Worker(channel, settings).run()
    # Threads may hang in a read; nothing here needs to be kept.
    os._exit(0)


if __name__ == "__main__":
    main()
