import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.node import ring
from legato.node.rtp import SAMPLES


@pytest.fixture(scope="module")
def feed() -> Iterator[int]:
    descriptor = ring.allocate(ring.FEED_SIZE, "feed")
    yield descriptor
    os.close(descriptor)


def fresh(feed: int) -> tuple[ring.FeedWriter, ring.FeedReader]:
    os.pwrite(feed, bytes(ring.HEADER_SIZE), 0)
    return ring.FeedWriter(feed, 0), ring.FeedReader(feed)


def name(rendition: int, frame: int) -> bytes:
    return f"{rendition}:{frame}".encode()


def test_frames_come_in_order_and_then_the_end(feed: int) -> None:
    writer, reader = fresh(feed)
    for frame in range(3):
        writer.write(frame * SAMPLES, name(0, frame))

    assert [reader.take() for _ in range(4)] == [
        *(ring.Frame(frame * SAMPLES, name(0, frame)) for frame in range(3)),
        None,
    ]
    assert not reader.over
    writer.end()
    assert reader.over


def test_a_reader_skips_to_the_frame_that_is_due(feed: int) -> None:
    writer, reader = fresh(feed)
    for frame in range(5):
        writer.write(frame * SAMPLES, name(0, frame))

    assert reader.skip_to(3 * SAMPLES)
    assert reader.take() == ring.Frame(3 * SAMPLES, name(0, 3))
    assert not reader.skip_to(9 * SAMPLES)


def test_a_new_rendition_is_gone_over_to_when_it_can_be_relied_on(feed: int) -> None:
    writer, reader = fresh(feed)
    for frame in range(6):
        writer.write(frame * SAMPLES, name(0, frame))
    reader.take()
    writer.renew(2 * SAMPLES)

    taken = []
    for frame in range(2, 2 + ring.MARGIN + 3):
        writer.write(frame * SAMPLES, name(1, frame))
        if frame % 3 == 0:
            taken.append(reader.take())

    # The old one has frames up to the fifth; the new one is far enough ahead before.
    assert [one.data for one in taken if one is not None] == [
        name(0, 1),
        name(0, 2),
        name(0, 3),
        name(1, 4),
    ]


@given(st.lists(st.sampled_from(["write", "take", "renew"]), max_size=400))
def test_whatever_the_order_no_frame_is_lost_repeated_or_torn(steps: list[str]) -> None:
    descriptor = ring.allocate(ring.FEED_SIZE, "feed")
    writer, reader = ring.FeedWriter(descriptor, 0), ring.FeedReader(descriptor)
    os.close(descriptor)
    following, rendition, taken = 0, 0, []
    for step in steps:
        if step == "write" and writer.room > 0:
            writer.write(following * SAMPLES, name(rendition, following))
            following += 1
        elif step == "renew" and writer.position // SAMPLES + 3 < following:
            following = writer.position // SAMPLES + 3
            rendition += 1
            writer.renew(following * SAMPLES)
        elif step == "take":
            frame = reader.take()
            if frame is not None:
                taken.append(frame)

    assert [frame.position for frame in taken] == [n * SAMPLES for n in range(len(taken))]
    renditions = [int(frame.data.partition(b":")[0]) for frame in taken]
    assert renditions == sorted(renditions)
    assert [frame.data.partition(b":")[2] for frame in taken] == [
        str(n).encode() for n in range(len(taken))
    ]
    writer.close()
    reader.close()
