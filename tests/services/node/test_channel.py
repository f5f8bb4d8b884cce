import os
import threading

import msgspec
import pytest

from legato.node import channel, messages
from legato.node.channel import Channel, Closed, Full
from support_waiting import PATIENCE

DECODER = msgspec.msgpack.Decoder(messages.ToKeyProcess)
ENOUGH = 100_000
"""More messages than any pipe holds."""


def ends(*, patient: bool) -> tuple[Channel[messages.ToKeyProcess], Channel[messages.ToKeyProcess]]:
    ours, theirs = channel.pair()
    return Channel(ours, DECODER, patient=patient), Channel(theirs, DECODER)


def test_descriptors_come_with_their_message() -> None:
    near, far = ends(patient=False)
    reading, writing = os.pipe()

    near.send(messages.Follow(membership=1, feed=2), (writing,))
    message, descriptors = far.receive()

    assert message == messages.Follow(membership=1, feed=2)
    os.write(descriptors[0], b"through")
    assert os.read(reading, 7) == b"through"
    for each in (reading, writing, *descriptors):
        os.close(each)
    near.close()
    far.close()


@pytest.mark.parametrize("with_descriptor", [False, True])
def test_an_end_that_reads_no_more_is_not_waited_for(*, with_descriptor: bool) -> None:
    near, far = ends(patient=False)
    reading, writing = os.pipe()
    descriptors = (writing,) if with_descriptor else ()
    told: list[type[Exception]] = []

    def fill() -> None:
        try:
            for feed in range(ENOUGH):
                near.send(messages.Follow(membership=1, feed=feed), descriptors)
        except Closed as error:
            told.append(type(error))

    filling = threading.Thread(target=fill, daemon=True)
    filling.start()
    filling.join(PATIENCE)
    far.close()
    filling.join(PATIENCE)

    assert told == [Full]
    for each in (reading, writing):
        os.close(each)
    near.close()
