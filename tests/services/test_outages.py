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


def test_what_comes_later_is_not_said_to_have_been_well_before() -> None:
    outages = Outages(now=START)
    outages.note({"redis": False}, now=after(0.1))

    (waits,) = outages.note({"redis": False, "shard 0": True}, now=after(5))
    (begins,) = outages.note({"redis": False, "shard 0": False}, now=after(8))

    assert (waits.away, waits.since) == (True, after(5))
    assert (begins.away, begins.since) == (False, after(5))


def test_what_went_and_came_again_counts_from_its_coming() -> None:
    outages = Outages(now=START)
    outages.note({"redis": False, "shard 0": False}, now=after(1))
    outages.note({"redis": False}, now=after(20))

    (waits,) = outages.note({"redis": False, "shard 0": True}, now=after(30))

    assert waits.since == after(30)


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
