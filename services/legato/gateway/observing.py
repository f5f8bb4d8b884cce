"""What a gateway tells of itself to whoever steers the fleet. Pure."""

from collections.abc import Iterable

from legato.contracts.fleet import Observed
from legato.contracts.keys import Owned


def observed(
    member: str,
    held: Iterable[Owned],
    connected: Iterable[Owned],
    *,
    at: int,
    directive_version: int,
) -> Observed:
    """Name the shards that are a member's, the live ones, and the directive it has acted on."""
    return Observed(
        member=member,
        component="gateway",
        at=at,
        directive_version=directive_version,
        shards=tuple(sorted(str(what) for what in held)),
        connected=tuple(sorted(str(what) for what in connected)),
    )
