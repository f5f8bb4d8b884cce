"""What is in progress, and since when. Pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from legato_operator.conditions import written
from legato_operator.resources.status import Progress

MOST = 64
"""So many are listed."""


def kept(
    before: Sequence[Progress], now_so: Sequence[Progress], *, now: datetime
) -> tuple[Progress, ...]:
    """Keep since when each goes on."""
    since = {one.what: one.since for one in before}
    return tuple(
        msgspec.structs.replace(one, since=since.get(one.what) or written(now))
        for one in now_so[:MOST]
    )
