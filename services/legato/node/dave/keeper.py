"""The keeper: the process that holds every group's keys and encrypts frames ahead of the pacers.

A change of a group takes it up to 80 ms; a pacer has a second of encrypted frames meanwhile, and
every feed is looked after between two changes. Its death is not heard: another joins anew.
"""

import gc
import os
import select
import time
from contextlib import suppress

import msgspec

from legato.node import messages
from legato.node.channel import Channel, Closed
from legato.node.children import enter, favour
from legato.node.dave.ward import Ward
from legato.node.ring import FeedCover

LOOK = 0.04
"""Seconds between two looks at every feed."""

DRY_LOOK = 0.002
"""Seconds between two looks at feeds that have little ready, such as one that has just begun."""


class Keeper:
    """All wards of a node."""

    def __init__(self, channel: Channel[messages.ToKeeper]) -> None:
        self._channel = channel
        self._wards: dict[int, Ward] = {}
        self._dry: set[int] = set()

    def run(self) -> None:
        """Serve until the control process is gone."""
        due = 0.0
        while True:
            readable, _, _ = select.select([self._channel.socket], [], [], self._patience(due))
            if readable:
                self._handle(*self._channel.receive())
            now = time.monotonic()
            if now >= due:
                self._look(self._wards)
                due = now + LOOK
            elif self._dry:
                self._look({number: self._wards[number] for number in self._dry})

    def _patience(self, due: float) -> float | None:
        """Say how long a message may be waited for."""
        if self._dry:
            return DRY_LOOK
        if any(ward.covering for ward in self._wards.values()):
            return max(0.0, due - time.monotonic())
        return None

    def _look(self, wards: dict[int, Ward]) -> None:
        for number, ward in wards.items():
            if ward.cover():
                self._dry.add(number)
            else:
                self._dry.discard(number)

    def _handle(self, message: messages.ToKeeper, descriptors: list[int]) -> None:
        match message:
            case messages.OpenWard(ward=number, user=user, channel=channel):
                self._wards[number] = Ward(user, channel)
            case messages.Configure():
                return
            case messages.Ping(number=number):
                self._channel.send(messages.Pong(number=number))
            case _:
                ward = self._wards.get(message.ward)
                if ward is not None:
                    self._change(ward, message, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def _change(self, ward: Ward, message: messages.ToKeeper, descriptors: list[int]) -> None:
        match message:
            case messages.Asked(ward=number, ask=ask):
                for answer in ward.take(ask):
                    self._channel.send(messages.Answered(ward=number, answer=answer))
                # Changes take their time: a queue of them is no silence.
                self._channel.send(messages.Pong())
            case messages.Follow(ward=number, feed=feed):
                ward.follow(feed, FeedCover(descriptors[0]))
                self._look({number: ward})
            case messages.Unfollow(feed=feed):
                ward.unfollow(feed)
            case messages.Uncover():
                ward.covering = False
            case messages.CloseWard(ward=number):
                ward.close()
                del self._wards[number]
                self._dry.discard(number)
            case _:
                return


def main() -> None:
    """Run as a child."""
    channel, _, _ = enter(msgspec.msgpack.Decoder(messages.ToKeeper))
    favour()
    channel.send(messages.Ready())
    gc.collect()
    gc.freeze()
    with suppress(Closed):
        Keeper(channel).run()


if __name__ == "__main__":
    main()
