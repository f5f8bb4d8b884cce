from datetime import UTC, datetime, timedelta

from legato_operator import progress
from legato_operator.resources.status import Progress

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_what_goes_on_keeps_since_when() -> None:
    first = progress.kept((), [Progress(what="drains a")], now=NOW)
    later = progress.kept(
        first,
        [Progress(what="drains a", blocked_by="b"), Progress(what="drains c")],
        now=NOW + timedelta(minutes=1),
    )

    assert [(one.what, one.since) for one in later] == [
        ("drains a", "2026-11-23T10:00:00Z"),
        ("drains c", "2026-11-23T10:01:00Z"),
    ]
