import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from legato.node import messages, ring
from legato.node.channel import Channel, Closed, pair
from legato.node.dave import exchange
from legato.node.dave.key_process import KeyProcess
from legato.node.dave.membership import FEEDS
from support_waiting import PATIENCE

USER, CALL = 5, 7
BEGIN = exchange.BeginMembership(1, 1, b"")


@contextmanager
def serving() -> Iterator[Channel[messages.FromKeyProcess]]:
    """Run what the process does in a thread; gives the control process's end."""
    ours, theirs = pair()
    process = KeyProcess(Channel(theirs, msgspec.msgpack.Decoder(messages.ToKeyProcess)))

    def run() -> None:
        with suppress(Closed):
            process.run()
        theirs.close()

    thread = threading.Thread(target=run)
    thread.start()
    ours.settimeout(PATIENCE)
    try:
        yield Channel(ours, msgspec.msgpack.Decoder(messages.FromKeyProcess))
    finally:
        ours.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)
        ours.close()
        assert not thread.is_alive(), "it ends with the control process"


def open_membership(control: Channel[messages.FromKeyProcess], number: int = 1) -> None:
    control.send(messages.OpenMembership(membership=number, user=USER, channel=CALL))


def answer(control: Channel[messages.FromKeyProcess]) -> messages.FromKeyProcess:
    return control.receive()[0]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_answers_for_each_membership_and_says_that_it_lives() -> None:
    with serving() as control:
        for number in (1, 2):
            open_membership(control, number)
            control.send(messages.Asked(membership=number, ask=BEGIN))

        for number in (1, 2):
            told = answer(control)
            assert isinstance(told, messages.Answered)
            assert told.membership == number
            assert isinstance(told.answer, exchange.KeyPackageReady)
            assert answer(control) == messages.Pong()


def test_a_question_is_answered_with_its_number() -> None:
    with serving() as control:
        control.send(messages.Ping(number=3))

        assert answer(control) == messages.Pong(number=3)


def test_what_comes_for_a_membership_that_is_closed_is_passed_over() -> None:
    with serving() as control:
        open_membership(control)
        control.send(messages.CloseMembership(membership=1))
        control.send(messages.Asked(membership=1, ask=BEGIN))
        control.send(messages.Ping(number=4))

        assert answer(control) == messages.Pong(number=4)


@pytest.mark.parametrize("closed", [True, False])
def test_no_more_feeds_are_kept_open_than_can_play(*, closed: bool) -> None:
    descriptor = ring.allocate(ring.FEED_SIZE, "feed")
    with serving() as control:
        open_membership(control)
        if closed:
            control.send(messages.CloseMembership(membership=1))
        before = open_files()
        for feed in range(20):
            control.send(messages.Follow(membership=1, feed=feed), (descriptor,))
        control.send(messages.Ping(number=5))

        assert answer(control) == messages.Pong(number=5)
        assert open_files() <= before + FEEDS
    os.close(descriptor)
