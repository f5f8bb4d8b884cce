import os

from legato.node import ring, rtp
from legato.node.lanes import Feed, Lane, Report
from legato.node.rtp import SAMPLES


def a_lane() -> Lane:
    descriptor = ring.allocate(ring.LANE_SIZE, "lane")
    lane = Lane(ring.Memory(descriptor, ring.LANE_SIZE))
    os.close(descriptor)
    lane.voice(voiced=True)
    return lane


def a_feed(number: int, frames: int, *, align: bool = False) -> tuple[Feed, ring.FeedWriter]:
    descriptor = ring.allocate(ring.FEED_SIZE, "feed")
    writer = ring.FeedWriter(descriptor, 0)
    for frame in range(frames):
        writer.write(frame * SAMPLES, f"{number}:{frame}".encode())
    feed = Feed(number, ring.FeedReader(descriptor), align)
    os.close(descriptor)
    return feed, writer


def test_a_feed_ends_in_silence_and_says_so() -> None:
    lane, report = a_lane(), Report()
    feed, writer = a_feed(1, 2)
    writer.end()
    lane.play(feed, None)

    sent = [lane.tick(report) for _ in range(9)]

    assert sent == [b"1:0", b"1:1", *[rtp.SILENCE] * 5, None, None]
    assert (report.started, report.drained) == (1, 1)
    assert lane.page.words[ring.LANE_NULLED] == 0
    assert lane.page.words[ring.LANE_DUE] == lane.page.words[ring.LANE_SENT] == 2


def test_a_late_writer_is_counted_and_bridged_with_silence() -> None:
    lane = a_lane()
    feed, writer = a_feed(1, 1)
    lane.play(feed, None)

    sent = [lane.tick(Report()) for _ in range(3)]
    writer.write(SAMPLES, b"1:1")
    sent.append(lane.tick(Report()))

    assert sent == [b"1:0", rtp.SILENCE, rtp.SILENCE, b"1:1"]
    assert lane.page.words[ring.LANE_NULLED] == 2


def test_the_old_feed_plays_until_the_new_one_has_a_frame() -> None:
    lane = a_lane()
    lane.play(a_feed(1, 5)[0], None)
    lane.tick(Report())
    new, writer = a_feed(2, 0)
    lane.play(new, None)

    assert lane.tick(Report()) == b"1:1"
    writer.write(0, b"2:0")
    assert lane.tick(Report()) == b"2:0"


def test_an_aligned_feed_goes_on_at_the_frame_that_is_due() -> None:
    lane = a_lane()
    lane.play(a_feed(1, 3)[0], None)
    lane.tick(Report())
    lane.play(a_feed(1, 4, align=True)[0], None)

    assert [lane.tick(Report()) for _ in range(3)] == [b"1:1", b"1:2", b"1:3"]


def test_a_pause_is_silence_and_then_nothing() -> None:
    lane = a_lane()
    lane.play(a_feed(1, 9)[0], None)
    lane.tick(Report())
    lane.paused = True

    assert [lane.tick(Report()) for _ in range(6)] == [*[rtp.SILENCE] * 5, None]
    lane.paused = False
    assert lane.tick(Report()) == b"1:1"


def test_nothing_is_taken_before_there_was_voice_and_all_after() -> None:
    lane = a_lane()
    lane.voiced = lane.consuming = False
    lane.play(a_feed(1, 9)[0], None)
    assert lane.tick(Report()) is None

    lane.voice(voiced=True)
    assert lane.tick(Report()) == b"1:0"
    lane.voice(voiced=False)
    assert lane.tick(Report()) == b"1:1"


def test_the_end_that_was_set_is_kept() -> None:
    lane, report = a_lane(), Report()
    lane.play(a_feed(1, 9)[0], 2 * SAMPLES)

    sent = [lane.tick(report) for _ in range(3)]

    assert sent == [b"1:0", b"1:1", rtp.SILENCE]
    assert report.drained == 1


def test_a_hush_waits_for_the_silence() -> None:
    lane, report = a_lane(), Report()
    lane.play(a_feed(1, 9)[0], None)
    lane.tick(report)
    lane.hushing = True

    for _ in range(5):
        assert lane.tick(report) == rtp.SILENCE
        assert not report.hushed
    lane.tick(report)
    assert report.hushed
