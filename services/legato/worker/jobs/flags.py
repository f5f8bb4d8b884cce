"""Copies feature flags to Redis, for the services that have no database."""

from legato import flags
from legato.store import flags as stored
from legato.worker.jobs.job import Means


async def run(means: Means) -> str:
    """Make the copy what PostgreSQL has, and tell every cache where it changed."""
    bot = means.settings.discord_application_id
    found = await stored.load(means.database, bot)
    means.progress(f"copying {len(found)} flags")
    changed = await flags.copy(means.redis, found, bot=bot)
    return f"Copied {len(found)} flags." if changed else f"{len(found)} flags are as they were."
