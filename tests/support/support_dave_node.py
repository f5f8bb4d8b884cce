"""The node's part in an encrypted call without processes: call, membership, and no socket."""

import os
from collections import deque

from legato.node import ring
from legato.node.dave import call, exchange, wire
from legato.node.dave.membership import Membership
from legato_simulator.dave.messages import Body

Answer = tuple[int, Body]


class Bot:
    """A member of the simulator's calls that is the node's code."""

    def __init__(self, user: int, channel: int) -> None:
        self.call = call.Call()
        self.membership = Membership(user, channel)
        self.used: list[exchange.Media] = []
        self.spoken: list[exchange.Effect] = []
        descriptor = ring.allocate(ring.FEED_SIZE, "feed")
        self.writer = ring.FeedWriter(descriptor, 0)
        self.reader = ring.FeedReader(descriptor)
        self.membership.follow(1, ring.FeedEncryptor(descriptor))
        os.close(descriptor)

    @property
    def expected(self) -> set[int]:
        """Who is known to be in the call."""
        return set(self.call.others)

    @expected.setter
    def expected(self, users: set[int]) -> None:
        self.take_event(exchange.ClientsConnected(frozenset(users - {self.membership.user})))

    def start(self, version: int) -> list[Answer]:
        """Take op 4's version."""
        return self.take_event(exchange.SessionDescribed(version))

    def take(self, op: int, body: Body) -> list[Answer]:
        """Take a message of the server."""
        if isinstance(body, bytes):
            return self.take_event(wire.binary(b"\0\0" + bytes([op]) + body))
        return self.take_event(wire.text(op, dict(body)))

    def take_event(self, event: exchange.Event | None) -> list[Answer]:
        """Do all that follows from an event; gives what is sent to the server."""
        answers: list[Answer] = []
        events = deque([] if event is None else [event])
        while events:
            self.call, effects = call.step(self.call, events.popleft())
            for effect in effects:
                match effect:
                    case exchange.SendMedia(media=media):
                        self.used.append(media)
                        self.reader.encrypted = media == "encrypted"
                    case (
                        exchange.SendCommitWelcome()
                        | exchange.SendInvalidCommitWelcome()
                        | exchange.SendKeyPackage()
                        | exchange.SendReadyForTransition()
                    ):
                        self.spoken.append(effect)
                        answers.append(_answer(wire.message(effect)))
                    case _:
                        events.extend(self.membership.take(effect))
        return answers

    def frame(self, data: bytes) -> bytes | None:
        """Let a frame be written, encrypted and taken."""
        self.writer.write(self.writer.position, data)
        return self.next()

    def next(self) -> bytes | None:
        """Take the frame that is due, as it would go out."""
        self.membership.encrypt()
        taken = self.reader.take()
        return None if taken is None else taken.data


def _answer(message: wire.Payload | bytes) -> Answer:
    if isinstance(message, bytes):
        return message[0], message[1:]
    op, data = message["op"], message["d"]
    assert isinstance(op, int)
    assert isinstance(data, dict)
    return op, data
