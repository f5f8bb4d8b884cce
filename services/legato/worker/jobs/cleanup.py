"""Removes rows that are old enough, and keys in Redis that nobody owns any more."""

from legato.store import cleanup
from legato.worker.jobs.job import Means
from legato.worker.orphans import Orphans


async def run(means: Means) -> str:
    """Clean up, and say how much went."""
    rows = await _rows(means)
    removed = await _keys(means)
    return f"Removed {rows} rows and {removed} keys."


async def _rows(means: Means) -> int:
    settings = means.settings
    rows = 0
    for old in cleanup.kinds(
        history=settings.keep_history, audit=settings.keep_audit, players=settings.keep_players
    ):
        async for count in cleanup.remove(means.database, old):
            rows += count
            means.progress(f"removed {rows} rows, now {old.what}")
    return rows


async def _keys(means: Means) -> int:
    orphans = Orphans(means.redis, bot=means.settings.discord_application_id)
    looked, removed = 0, 0
    for scan in (orphans.guilds(), orphans.shards()):
        async for seen, gone in scan:
            looked += seen
            removed += gone
            means.progress(f"looked at {looked} keys, removed {removed}")
    now = round(means.now().timestamp() * 1000)
    return removed + await orphans.members(now=now)
