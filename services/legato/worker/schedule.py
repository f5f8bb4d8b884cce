"""When a job runs next. Pure: no clock, no sleep."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def following(now: datetime, every: timedelta) -> datetime:
    """Return the next multiple of `every` since 1970, after now; the same in every process.

    Every 6 h is 00:00, 06:00, 12:00 and 18:00 UTC.
    """
    return _EPOCH + ((now - _EPOCH) // every + 1) * every
