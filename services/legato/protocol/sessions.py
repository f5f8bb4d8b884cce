"""Whether to begin anew with a node that did not resume our session. Pure.

Verified: a session whose socket still counts as open is not given out again, and the node answers
with a new one; while its socket is closed REST answers 404 (ownership.md, 6).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class Search:
    """How far the search for an old session has come."""

    held_since: float | None = None
    """Since then its socket has been another's."""
    asked_again: bool = False
    """It was free, and was asked for once more."""


Verdict = Literal["begin anew", "ask again"]


def judge(
    search: Search, *, is_open: bool, now: float, patience: timedelta
) -> tuple[Search, Verdict]:
    """Decide by what REST says of the old session: open = another holds it; 404 = free, or gone.

    Whoever holds it lets go within `patience`: an isolated owner at its limit, a dead one when the
    node drops its silent socket.
    """
    if not is_open:
        verdict: Verdict = "begin anew" if search.asked_again else "ask again"
        return Search(asked_again=True), verdict
    since = now if search.held_since is None else search.held_since
    waits = now - since < patience.total_seconds()
    return Search(held_since=since), "ask again" if waits else "begin anew"
