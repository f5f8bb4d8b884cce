"""The player's own clock."""

from hypothesis import given
from hypothesis import strategies as st

from legato.audio import position
from legato.audio.position import Clock


def test_a_clock_that_stands_does_not_move() -> None:
    assert position.moment(Clock(at=5), now=10**9) == 5


def test_a_running_clock_counts_from_its_anchor_up_to_the_tracks_length() -> None:
    clock = Clock(at=1_000, since=100)

    assert position.moment(clock, now=600) == 1_500
    assert position.moment(clock, now=9_000, length=5_000) == 5_000


def test_a_clock_asked_about_the_time_before_its_anchor_does_not_go_back() -> None:
    assert position.moment(Clock(at=1_000, since=100), now=0) == 1_000


def test_a_restored_position_is_never_beyond_what_the_old_owner_saw() -> None:
    clock = position.resume_at(Clock(at=1_000, since=0), alive_at=3_000)

    assert clock == Clock(at=4_000)


def test_a_track_has_ended_within_two_seconds_of_its_end() -> None:
    clock = Clock(at=0, since=0)

    assert position.ended(clock, now=98_000, length=100_000)
    assert not position.ended(clock, now=97_999, length=100_000)
    assert not position.ended(clock, now=97_999, length=0)


TIMES = st.integers(0, 100_000)


@given(at=TIMES, since=TIMES, floor=TIMES, heard=st.integers(-5_000, 200_000), now=TIMES)
def test_no_report_makes_the_shown_position_run_backwards(
    at: int, since: int, floor: int, heard: int, now: int
) -> None:
    clock = Clock(at=at, since=min(since, now), floor=floor)
    before = position.shown(clock, now=now)

    corrected = position.corrected(clock, heard, now=now) or clock

    assert position.shown(corrected, now=now) >= before


@given(at=TIMES, since=TIMES, now=TIMES, bound=st.none() | TIMES)
def test_a_loss_never_skips(at: int, since: int, now: int, bound: int | None) -> None:
    clock = Clock(at=at, since=min(since, now), bound=bound)

    assert position.moment(position.lose(clock, now=now), now=now + 9_999) <= position.moment(
        clock, now=now
    )


def test_a_loss_takes_nothing_off_a_moment_that_was_surely_heard() -> None:
    clock = position.take_over(Clock(at=0, since=0), alive_at=60_000)

    assert position.lose(clock, now=70_000).at == 60_000
    assert position.lose(clock, now=60_200).at == 59_700
    assert position.lose(Clock(at=0, since=0), now=60_000).at == 59_500


@given(
    at=st.integers(0, 60_000),
    since=st.integers(0, 10_000),
    alive=st.integers(0, 10_000),
    outage=st.integers(0, 100_000),
)
def test_a_play_begun_anew_after_a_take_over_goes_to_where_the_old_owner_surely_was(
    at: int, since: int, alive: int, outage: int
) -> None:
    old = Clock(at=at, since=since)
    alive_at = since + alive

    taken = position.take_over(old, alive_at=alive_at)
    anew = position.again(taken, now=alive_at + outage)

    assert anew.at == position.moment(old, now=alive_at)
