from datetime import UTC, datetime, timedelta

from legato.outages import Outages, sentence

START = datetime(2026, 11, 23, 6, 41, 28, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_an_outage_begins_once_and_ends_once_with_its_times() -> None:
    outages = Outages(now=START)

    assert outages.note({"redis": False}, now=after(1)) == []
    (gone,) = outages.note({"redis": True}, now=after(2))
    assert outages.note({"redis": True}, now=after(3)) == []
    assert outages.since("redis") == after(2)
    (back,) = outages.note({"redis": False}, now=after(9))

    assert (gone.away, gone.since) == (True, START)
    assert (back.away, back.since) == (False, after(2))
    assert outages.since("redis") is None
    assert outages.changed("redis") == after(9)
    assert outages.changed("postgres") == START


def test_what_is_no_dependency_any_more_is_not_away() -> None:
    outages = Outages(now=START)
    outages.note({"shard 0": True}, now=after(1))

    outages.note({}, now=after(2))

    assert outages.since("shard 0") is None


def test_a_person_is_told_what_since_when_why_and_what_it_means() -> None:
    told = sentence(
        "redis",
        "Connection refused.",
        "What plays goes on.",
        since=START,
        now=after(12),
    )

    assert told == (
        "Redis has not been well since 06:41:28 UTC (12 s): Connection refused. What plays goes on."
    )
    assert "(3 min)" in sentence("redis", "", "", since=START, now=after(200))
    assert sentence("x", "", "", since=START, now=after(9000)).endswith("(2 h).")
