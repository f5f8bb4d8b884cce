"""The key process: it holds every group's keys and encrypts frames ahead of the pacers.

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
from legato.node.dave.membership import Membership
from legato.node.ring import FeedEncryptor

LOOK = 0.04
"""Seconds between two looks at every feed."""

DRY_LOOK = 0.002
"""Seconds between two looks at feeds that have little ready, such as one that has just begun."""


class KeyProcess:
    """All memberships of a node."""

    def __init__(self, channel: Channel[messages.ToKeyProcess]) -> None:
        self._channel = channel
        self._memberships: dict[int, Membership] = {}
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
                self._look(self._memberships)
                due = now + LOOK
            elif self._dry:
                self._look({number: self._memberships[number] for number in self._dry})

    def _patience(self, due: float) -> float | None:
        """Say how long a message may be waited for."""
        if self._dry:
            return DRY_LOOK
        if any(membership.encrypting for membership in self._memberships.values()):
            return max(0.0, due - time.monotonic())
        return None

    def _look(self, memberships: dict[int, Membership]) -> None:
        for number, membership in memberships.items():
            if membership.encrypt():
                self._dry.add(number)
            else:
                self._dry.discard(number)

    def _handle(self, message: messages.ToKeyProcess, descriptors: list[int]) -> None:
        match message:
            case messages.OpenMembership(membership=number, user=user, channel=channel):
                self._memberships[number] = Membership(user, channel)
            case messages.Configure():
                return
            case messages.Ping(number=number):
                self._channel.send(messages.Pong(number=number))
            case _:
                membership = self._memberships.get(message.membership)
                if membership is not None:
                    self._change(membership, message, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def _change(
        self, membership: Membership, message: messages.ToKeyProcess, descriptors: list[int]
    ) -> None:
        match message:
            case messages.Asked(membership=number, ask=ask):
                for answer in membership.take(ask):
                    self._channel.send(messages.Answered(membership=number, answer=answer))
                # Changes take their time: a queue of them is no silence.
                self._channel.send(messages.Pong())
            case messages.Follow(membership=number, feed=feed):
                membership.follow(feed, FeedEncryptor(descriptors[0]))
                self._look({number: membership})
            case messages.Unfollow(feed=feed):
                membership.unfollow(feed)
            case messages.SendPlain():
                membership.encrypting = False
            case messages.CloseMembership(membership=number):
                membership.close()
                del self._memberships[number]
                self._dry.discard(number)
            case _:
                return


def main() -> None:
    """Run as a child."""
    channel, _, _ = enter(msgspec.msgpack.Decoder(messages.ToKeyProcess))
    favour()
    channel.send(messages.Ready())
    gc.collect()
    gc.freeze()
    with suppress(Closed):
        KeyProcess(channel).run()


if __name__ == "__main__":
    main()
