from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato_simulator import continuity
from legato_simulator.continuity import SILENCE, Arrival

MS = 1_000_000


def _stream(
    count: int, *, start: int = 0, order: str = "big", payload: bytes = b"sound"
) -> list[Arrival]:
    return [
        Arrival(
            n * 20 * MS, n & 0xFFFF, n * 960 & 0xFFFFFFFF, n.to_bytes(4, order), payload, epoch=0
        )
        for n in range(start, start + count)
    ]


@given(start=st.integers(0, 200_000), order=st.sampled_from(["big", "little"]))
def test_a_steady_stream_is_unbroken_wherever_its_numbers_begin(start: int, order: str):
    told = continuity.judge(_stream(80, start=start, order=order))

    assert told.unbroken
    assert (told.packets, told.sound, told.lost, told.late) == (80, 80, 0, 0)
    assert told.gaps.max_ms == told.gaps.p99_ms == told.gaps.p50_ms == 20
    assert told.gaps.histogram == {"21": 79}


@given(st.lists(st.integers(1, 40_000), min_size=2, max_size=300))
def test_the_histogram_holds_every_gap_and_the_percentiles_stand_in_order(tenths: list[int]):
    moments = list(accumulate(tenths, initial=0))
    arrivals = [
        Arrival(at * MS // 10, n, n * 960, n.to_bytes(4, "big"), b"sound", 0)
        for n, at in enumerate(moments)
    ]

    gaps = continuity.judge(arrivals).gaps

    assert gaps.count == sum(gaps.histogram.values()) == len(tenths)
    assert gaps.max_ms == max(tenths) / 10
    assert gaps.p50_ms <= gaps.p99_ms <= gaps.max_ms


def test_a_lost_packet_is_one_break():
    told = continuity.judge(_stream(10) + _stream(10, start=12))

    assert told.lost == 2
    assert [(b.kind, b.expected, b.got) for b in told.breaks] == [("sequence", 10, 12)]
    assert [(gap.ms, gap.at) for gap in told.long_gaps] == []
    assert told.gaps.max_ms == 60


def test_a_packet_seen_twice_is_late_and_changes_nothing_else():
    stream = _stream(10)

    told = continuity.judge([*stream, stream[-1], *_stream(5, start=10)])

    assert (told.late, told.lost) == (1, 0)
    assert [b.kind for b in told.breaks] == ["sequence"]


def test_a_timestamp_or_nonce_that_does_not_follow_is_named():
    stream = _stream(10)
    stream[4] = stream[4]._replace(timestamp=17)
    stream[7] = stream[7]._replace(counter=stream[6].counter)

    kinds = [b.kind for b in continuity.judge(stream).breaks]

    assert kinds == ["timestamp", "timestamp", "nonce"]


@pytest.mark.parametrize("idle", [0, 5_000])
def test_a_stop_and_its_silence_frames_are_no_fault(idle: int):
    stop = _stream(5, start=10, payload=SILENCE)
    after = [
        a._replace(at_ns=a.at_ns + 5_000 * MS, timestamp=a.timestamp + idle * 48)
        for a in _stream(10, start=15)
    ]

    told = continuity.judge([*_stream(10), *stop, *after])

    assert told.unbroken
    assert (told.sound, told.silence) == (20, 5)
    assert told.gaps.max_ms == 20
    assert told.silence_gaps.count == 5
    assert told.pauses_ms == [5_020]


def test_a_long_gap_is_listed_with_its_moment():
    late = [a._replace(at_ns=a.at_ns + 180 * MS) for a in _stream(5, start=10)]

    told = continuity.judge([*_stream(10), *late])

    assert [(gap.ms, gap.at) for gap in told.long_gaps] == [(200, 0.38)]
    assert told.unbroken
    assert continuity.worst_gap_ms([*_stream(10), *late]) == 200


def test_a_hole_that_begins_or_ends_with_silence_is_still_one():
    quiet = [a._replace(payload=continuity.SILENCE) for a in _stream(5, start=10)]
    late = [a._replace(at_ns=a.at_ns + 800 * MS) for a in _stream(5, start=15)]

    heard = [*_stream(10), *quiet, *late]

    assert continuity.worst_gap_ms(heard) == 20
    assert continuity.longest_silence_ms(heard) == 920


def test_nothing_is_nothing():
    told = continuity.judge([])

    assert (told.packets, told.first_at, told.gaps.histogram) == (0, None, {})
    assert continuity.worst_gap_ms([]) == 0
    assert continuity.longest_silence_ms([]) == 0
