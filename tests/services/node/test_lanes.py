import os

import pytest

from legato.node import ring, rtp
from legato.node.lanes import Feed, Lane, Report
from legato.node.rtp import SAMPLES


def a_lane(lead: int = 0) -> Lane:
    descriptor = ring.allocate(ring.LANE_SIZE, "lane")
    lane = Lane(ring.Memory(descriptor, ring.LANE_SIZE), lead)
    os.close(descriptor)
    lane.voice(voiced=True)
    return lane


def a_feed(
    number: int,
    frames: int,
    *,
    align: bool = False,
    end: int | None = None,
    behind: int | None = None,
) -> tuple[Feed, ring.FeedWriter]:
    descriptor = ring.allocate(ring.FEED_SIZE, "feed")
    writer = ring.FeedWriter(descriptor, 0)
    for frame in range(frames):
        writer.write(frame * SAMPLES, f"{number}:{frame}".encode())
    feed = Feed(number, ring.FeedReader(descriptor), align, end, behind)
    os.close(descriptor)
    return feed, writer


def a_tail(frames: int, *, lead: int) -> tuple[Lane, ring.FeedWriter]:
    """Make a lane whose feed has ended, one frame of it sent and the rest settled."""
    lane = a_lane(lead=lead)
    feed, writer = a_feed(1, frames)
    writer.end()
    lane.play(feed)
    lane.tick(Report())
    return lane, writer


def test_a_feed_ends_in_silence_and_says_so() -> None:
    lane, report = a_lane(), Report()
    feed, writer = a_feed(1, 2)
    writer.end()
    lane.play(feed)

    sent = [lane.tick(report) for _ in range(9)]

    assert sent == [b"1:0", b"1:1", *[rtp.SILENCE] * 5, None, None]
    assert (report.started, report.drained) == (1, 1)
    assert lane.page.words[ring.LANE_NULLED] == 0
    assert lane.page.words[ring.LANE_DUE] == lane.page.words[ring.LANE_SENT] == 2


def test_a_late_writer_is_counted_and_bridged_with_silence() -> None:
    lane = a_lane()
    feed, writer = a_feed(1, 1)
    lane.play(feed)

    sent = [lane.tick(Report()) for _ in range(3)]
    writer.write(SAMPLES, b"1:1")
    sent.append(lane.tick(Report()))

    assert sent == [b"1:0", rtp.SILENCE, rtp.SILENCE, b"1:1"]
    assert lane.page.words[ring.LANE_NULLED] == 2


def test_the_old_feed_plays_until_the_new_one_can_be_relied_on() -> None:
    lane = a_lane()
    lane.play(a_feed(1, 5)[0])
    lane.tick(Report())
    new, writer = a_feed(2, 0)
    lane.play(new)

    assert lane.tick(Report()) == b"1:1"
    writer.write(0, b"2:0")
    assert lane.tick(Report()) == b"1:2"
    for frame in range(1, ring.MARGIN):
        writer.write(frame * SAMPLES, b"2:more")
    assert lane.tick(Report()) == b"2:0"


@pytest.mark.parametrize("align", [False, True])
def test_a_new_feed_that_is_short_is_gone_over_to_when_nothing_else_is_left(align: bool) -> None:
    lane = a_lane()
    lane.play(a_feed(1, 3)[0])
    lane.tick(Report())
    new, writer = a_feed(2, 0, align=align)
    for frame in range(4):
        writer.write(frame * SAMPLES, f"2:{frame}".encode())
    lane.play(new)

    sent = [lane.tick(Report()) for _ in range(3)]

    assert sent == [b"1:1", b"1:2", b"2:3" if align else b"2:0"]
    assert lane.page.words[ring.LANE_NULLED] == 0


def test_an_aligned_feed_goes_on_at_the_frame_that_is_due() -> None:
    lane = a_lane()
    lane.play(a_feed(1, 3)[0])
    lane.tick(Report())
    lane.play(a_feed(1, 4, align=True)[0])

    assert [lane.tick(Report()) for _ in range(3)] == [b"1:1", b"1:2", b"1:3"]


def test_a_pause_is_silence_and_then_nothing() -> None:
    lane = a_lane()
    lane.play(a_feed(1, 9)[0])
    lane.tick(Report())
    lane.paused = True

    assert [lane.tick(Report()) for _ in range(6)] == [*[rtp.SILENCE] * 5, None]
    lane.paused = False
    assert lane.tick(Report()) == b"1:1"


def test_nothing_is_taken_before_there_was_voice_and_all_after() -> None:
    lane = a_lane()
    lane.voiced = lane.consuming = False
    lane.play(a_feed(1, 9)[0])
    assert lane.tick(Report()) is None

    lane.voice(voiced=True)
    assert lane.tick(Report()) == b"1:0"
    lane.voice(voiced=False)
    assert lane.tick(Report()) == b"1:1"


def test_the_end_that_was_set_is_kept() -> None:
    lane, report = a_lane(), Report()
    lane.play(a_feed(1, 9, end=2 * SAMPLES)[0])

    sent = [lane.tick(report) for _ in range(3)]

    assert sent == [b"1:0", b"1:1", rtp.SILENCE]
    assert report.drained == 1


def test_a_hush_waits_for_the_silence() -> None:
    lane, report = a_lane(), Report()
    lane.play(a_feed(1, 9)[0])
    lane.tick(report)
    lane.hushing = True

    for _ in range(5):
        assert lane.tick(report) == rtp.SILENCE
        assert not report.hushed
    lane.tick(report)
    assert report.hushed


def test_after_a_hush_the_track_waits_for_new_voice() -> None:
    lane = a_lane()
    lane.play(a_feed(1, 9)[0])
    lane.hushing = True
    for _ in range(6):
        lane.tick(Report())

    lane.voice(voiced=False)

    assert [lane.tick(Report()) for _ in range(9)] == [None] * 9
    assert lane.idle
    lane.voice(voiced=True)
    assert lane.tick(Report()) == b"1:0"
    assert lane.voiced


def test_after_a_close_the_track_goes_on_unheard() -> None:
    lane = a_lane()
    lane.play(a_feed(1, 9)[0])

    lane.voice(voiced=False)

    assert lane.tick(Report()) == b"1:0"
    assert not lane.voiced


def test_new_voice_ends_a_hush() -> None:
    lane, report = a_lane(), Report()
    lane.play(a_feed(1, 9)[0])
    lane.hushing = True

    lane.voice(voiced=True)

    assert lane.tick(report) == b"1:0"
    assert not report.hushed


def told_at(lane: Lane, ticks: int) -> list[int]:
    """Tick; gives at which ticks an end was told."""
    told = []
    for tick in range(ticks):
        report = Report()
        lane.tick(report)
        if report.ending is not None:
            told.append(tick)
    return told


def test_an_end_is_told_once_and_ahead() -> None:
    lane = a_lane(lead=3)
    feed, writer = a_feed(1, 9)
    writer.end()
    lane.play(feed)

    assert told_at(lane, 12) == [5]


def test_an_end_that_comes_late_is_told_as_soon_as_it_is_known() -> None:
    lane = a_lane(lead=3)
    feed, writer = a_feed(1, 9)
    lane.play(feed)

    assert told_at(lane, 8) == []
    writer.end()
    assert told_at(lane, 4) == [0]


def test_an_end_time_is_told_ahead_too_and_kept_to_the_frame() -> None:
    lane = a_lane(lead=3)
    lane.play(a_feed(1, 9, end=5 * SAMPLES)[0])

    assert told_at(lane, 2) == [1]
    assert [lane.tick(Report()) for _ in range(4)] == [b"1:2", b"1:3", b"1:4", rtp.SILENCE]


def test_the_next_track_begins_right_behind_the_tail() -> None:
    lane, _ = a_tail(4, lead=3)
    lane.play(a_feed(2, 2, behind=1)[0])

    sent = [lane.tick(Report()) for _ in range(5)]

    assert sent == [b"1:1", b"1:2", b"1:3", b"2:0", b"2:1"]


def test_a_next_track_that_is_late_costs_silence_but_no_frame() -> None:
    lane, _ = a_tail(2, lead=3)
    following, late = a_feed(2, 0, behind=1)
    lane.play(following)

    sent = [lane.tick(Report()) for _ in range(2)]
    late.write(0, b"2:0")

    assert [*sent, lane.tick(Report())] == [b"1:1", rtp.SILENCE, b"2:0"]


def test_a_seek_cuts_a_tail_whose_end_was_not_heard_of() -> None:
    lane, _ = a_tail(4, lead=3)
    lane.play(a_feed(2, ring.MARGIN)[0])

    assert lane.tick(Report()) == b"2:0"


def test_a_stop_ends_the_tail_and_a_dropped_successor_does_not() -> None:
    lane, _ = a_tail(4, lead=3)
    lane.play(a_feed(2, 2, behind=1)[0])

    lane.stop(2)
    assert lane.tick(Report()) == b"1:1"
    lane.stop()
    assert lane.tick(Report()) == rtp.SILENCE


def test_a_settled_tail_ignores_what_its_writer_does_and_who_would_take_over() -> None:
    lane, writer = a_tail(4, lead=3)

    writer.renew(2 * SAMPLES)
    writer.reopen()
    writer.write(2 * SAMPLES, b"other")
    lane.play(a_feed(1, 0, align=True)[0])

    sent = [lane.tick(Report()) for _ in range(4)]
    assert sent == [b"1:1", b"1:2", b"1:3", rtp.SILENCE]
    assert not lane.due


def test_what_lies_before_a_seek_in_a_pause_is_not_heard_after_it() -> None:
    lane = a_lane()
    lane.play(a_feed(1, 5)[0])
    lane.tick(Report())
    lane.paused = True
    sought, writer = a_feed(2, 0)
    lane.play(sought)

    lane.paused = False

    assert lane.tick(Report()) == rtp.SILENCE
    writer.write(0, b"2:0")
    assert lane.tick(Report()) == b"2:0"


def test_an_encrypted_lane_waits_for_the_key_process_and_loses_nothing() -> None:
    lane = a_lane()
    lane.voice(voiced=True, encrypted=True)
    feed, writer = a_feed(1, 2)
    lane.play(feed)

    before = [lane.tick(Report()) for _ in range(2)]
    feed.reader.encrypted = False  # what the key process's work comes to
    after = [lane.tick(Report()) for _ in range(2)]

    assert before == [None, None]
    assert after == [b"1:0", b"1:1"]
    assert lane.page.words[ring.LANE_NULLED] == 2
    writer.close()


def test_a_lane_without_voice_takes_frames_as_they_are() -> None:
    lane = a_lane()
    lane.voice(voiced=True, encrypted=True)
    feed, _ = a_feed(1, 2)
    lane.play(feed)

    lane.voice(voiced=False)

    assert lane.tick(Report()) == b"1:0"


def test_a_tail_that_began_in_the_clear_ends_in_the_clear() -> None:
    lane, _ = a_tail(4, lead=4)

    lane.encrypt(encrypted=True)

    assert [lane.tick(Report()) for _ in range(3)] == [b"1:1", b"1:2", b"1:3"]
