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


def encrypt(data: bytes) -> bytes:
    return b"e" + data


def encrypted(feed: int) -> tuple[ring.FeedWriter, ring.FeedReader, ring.FeedEncryptor]:
    writer, reader = fresh(feed)
    reader.encrypted = True
    return writer, reader, ring.FeedEncryptor(feed)


def test_a_frame_that_is_not_encrypted_yet_is_not_there(feed: int) -> None:
    writer, reader, cover = encrypted(feed)
    writer.write(0, b"0")
    writer.end()

    assert (reader.take(), reader.left, reader.over, reader.dependable) == (None, 0, False, False)
    assert (cover.waiting, cover.encrypt(encrypt), cover.waiting) == (True, 1, False)
    assert (reader.left, reader.dependable) == (1, True)
    assert reader.take() == ring.Frame(0, b"e0")
    assert reader.over


def test_frames_are_encrypted_anew_but_those_about_to_be_sent(feed: int) -> None:
    writer, reader, cover = encrypted(feed)
    for frame in range(5):
        writer.write(frame * SAMPLES, name(0, frame))
    cover.encrypt(encrypt)
    reader.take()

    cover.rewind(2)
    assert cover.encrypt(lambda data: b"n" + data) == 2

    taken = [reader.take() for _ in range(4)]
    assert [one.data[:1] for one in taken if one is not None] == [b"e", b"e", b"n", b"n"]


def test_a_key_process_begins_with_the_frame_that_is_due(feed: int) -> None:
    writer, reader = fresh(feed)
    for frame in range(5):
        writer.write(frame * SAMPLES, name(0, frame))
    reader.take()
    reader.take()

    assert ring.FeedEncryptor(feed).encrypt(encrypt) == 3
    reader.encrypted = True
    assert reader.take() == ring.Frame(2 * SAMPLES, encrypt(name(0, 2)))


STEPS = st.sampled_from(["write", "take", "renew", "cover", "rewind", "plain", "encrypted"])


@given(st.lists(STEPS, max_size=400))
def test_whatever_the_order_each_frame_goes_out_once_as_it_is_to(steps: list[str]) -> None:
    descriptor = ring.allocate(ring.FEED_SIZE, "feed")
    writer, reader = ring.FeedWriter(descriptor, 0), ring.FeedReader(descriptor)
    cover = ring.FeedEncryptor(descriptor)
    os.close(descriptor)
    following, rendition, taken = 0, 0, []
    for step in [*steps, "cover"]:
        match step:
            case "write" if writer.room > 0:
                writer.write(following * SAMPLES, name(rendition, following))
                following += 1
            case "renew" if writer.position // SAMPLES + 3 < following:
                rendition += 1
                following = writer.position // SAMPLES + 3
                writer.renew(following * SAMPLES)
            case "cover":
                cover.encrypt(encrypt)
            case "rewind":
                cover.rewind(2)
            case "plain" | "encrypted":
                # As at a transition: nothing is taken before everything there is was encrypted.
                cover.rewind(0)
                cover.encrypt(encrypt)
                reader.encrypted = step == "encrypted"
            case "take":
                frame = reader.take()
                if frame is not None:
                    assert (frame.data[:1] == b"e") is reader.encrypted
                    taken.append(frame.position)

    assert taken == [frame * SAMPLES for frame in range(len(taken))]
    assert cover.ahead >= 0
    for memory in (writer, reader, cover):
        memory.close()
