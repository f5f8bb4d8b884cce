"""Counts daily figures from the plays: every day that may still have changed, anew."""

from datetime import timedelta

from legato.store import usage
from legato.worker.jobs.job import Means

DAYS = 2
"""Today and yesterday: a play is written when it ends, which may be after midnight."""


async def run(means: Means) -> str:
    """Count, and say how many guilds had any plays."""
    today = means.now().date()
    counted = []
    for back in reversed(range(DAYS)):
        day = today - timedelta(days=back)
        guilds = await usage.count(means.database, day)
        counted.append(f"{day}: {guilds} guilds")
        means.progress("counted " + ", ".join(counted))
    return "Counted " + ", ".join(counted) + "."
