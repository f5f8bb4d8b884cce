import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato import text
from legato.gateway.times import parse


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ("83", 83_000),
        ("83s", 83_000),
        ("1.5", 1_500),
        ("1:23", 83_000),
        ("01:23", 83_000),
        ("90:00", 5_400_000),
        ("1:02:03", 3_723_000),
        ("1:02.5", 62_500),
        ("1m23s", 83_000),
        ("1h 2m 3s", 3_723_000),
        ("0", 0),
    ],
)
def test_a_moment_is_read_as_people_write_it(written, ms):
    assert parse(written) == ms


@pytest.mark.parametrize("written", ["", " ", "x", "1:60", "1:2:3:4", "-5", "+10", "1:70:00", "٣"])
def test_what_is_no_moment_is_none(written):
    assert parse(written) is None


@given(st.integers(min_value=0, max_value=359_999))
def test_what_we_write_we_read(seconds):
    assert parse(text.clock(seconds * 1000)) == seconds * 1000
