"""Discord's limits as hikari keeps them, where it keeps them wrongly. Knows no request."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from hikari.impl import RESTBucketManager
from hikari.internal.routes import CompiledRoute


class SlowDown(Exception):
    """Discord's global limit is used up."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"again after {retry_after} s")
        self.duration = timedelta(seconds=retry_after)


class Buckets(RESTBucketManager):
    """hikari's limits of routes, of each channel and interaction apart; without its global one.

    Where hikari does not know a limit yet, all channels wait in one line, one request at a time,
    and then all for the limit of the first: a hundred answers took 40 s. Its global limit holds
    back no such request, which is repeated in a hot loop; the others it lets go all at once.
    """

    def acquire_bucket(
        self, compiled_route: CompiledRoute, authentication: str | None
    ) -> AbstractAsyncContextManager[None]:
        """Say what to wait for before a request."""
        return super().acquire_bucket(compiled_route, _apart(compiled_route, authentication))

    def update_rate_limits(  # noqa: PLR0913, PLR0917  # as it is there
        self,
        compiled_route: CompiledRoute,
        authentication: str | None,
        bucket_header: str,
        remaining_header: int,
        limit_header: int,
        reset_at: float,
        reset_after: float,
    ) -> None:
        """Learn from an answer."""
        super().update_rate_limits(
            compiled_route,
            _apart(compiled_route, authentication),
            bucket_header,
            remaining_header,
            limit_header,
            reset_at,
            reset_after,
        )

    def throttle(self, retry_after: float) -> None:
        """Leave the global limit to the caller. Raises SlowDown."""
        raise SlowDown(retry_after)


def _apart(route: CompiledRoute, authentication: str | None) -> str:
    """Name who asks as another for each channel: the only part of an unknown limit's name."""
    return f"{authentication} {route.major_param_hash}"
