from hypothesis import given
from hypothesis import strategies as st

from legato_simulator.identifies import Identifies, Verdict


def test_the_daily_allowance_comes_back_after_a_day() -> None:
    allowance = Identifies(limit=2, concurrency=1, window=0.0)

    verdicts = [allowance.judge(0, now) for now in (0.0, 10.0, 20.0, 86_400.0)]

    assert verdicts == [Verdict.ALLOWED, Verdict.ALLOWED, Verdict.SPENT, Verdict.ALLOWED]
    assert allowance.remaining(86_400.0) == 0
    assert allowance.reset_after(86_400.0) == 10.0


@given(
    concurrency=st.integers(1, 16),
    shards=st.lists(st.integers(0, 63), max_size=40),
    pause=st.floats(0.0, 3.0),
)
def test_one_bucket_is_never_allowed_twice_within_the_window(
    concurrency: int, shards: list[int], pause: float
) -> None:
    allowance = Identifies(limit=1000, concurrency=concurrency, window=5.0)
    last: dict[int, float] = {}

    for number, shard in enumerate(shards):
        now = number * pause
        if allowance.judge(shard, now) is Verdict.ALLOWED:
            bucket = shard % concurrency
            assert now - last.get(bucket, -10.0) >= 4.9
            last[bucket] = now


def test_what_the_judge_may_have_seen_too_late_is_held_against_nobody():
    allowance = Identifies(limit=10, concurrency=1, window=5.0)
    allowance.judge(0, 100.0)

    assert allowance.judge(0, 104.5, late=0.5) is Verdict.ALLOWED
    assert allowance.judge(0, 108.5, late=0.5) is Verdict.TOO_SOON
