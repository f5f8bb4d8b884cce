from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from legato.worker import schedule


def test_every_six_hours_is_four_times_a_day():
    now = datetime(2026, 3, 1, 6, 0, 0, tzinfo=UTC)

    assert schedule.following(now, timedelta(hours=6)) == datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(
    st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1970 < moment.year < 9990),
    st.timedeltas(timedelta(minutes=1), timedelta(days=7)),
)
def test_the_next_time_is_later_and_within_one_period(now, every):
    following = schedule.following(now, every)

    assert now < following <= now + every
    assert schedule.following(following - timedelta(microseconds=1), every) == following
