"""Copies rate limits' policies and penalties to Redis, where the limiter's script reads them."""

from datetime import timedelta

from legato.contracts import keys
from legato.redis import reaching
from legato.store import limits
from legato.store.limits import Rate
from legato.worker.jobs.job import Means


async def run(means: Means) -> str:
    """Make the copy what PostgreSQL has, at once and whole."""
    bot = means.settings.discord_application_id
    found = await limits.load(means.database, bot)
    fields = {policy: _spell(rate) for policy, rate in found.policies.items()}
    fields |= {":".join(names): _spell(rate) for names, rate in found.penalties.items()}
    means.progress(f"copying {len(fields)} rates")
    key = keys.limit_policies(bot)
    with reaching("limit policies"):
        async with means.redis.pipeline(transaction=True) as pipe:
            pipe.delete(key)
            for field, rate in fields.items():
                pipe.hset(key, field, rate)
            await pipe.execute()
    return f"Copied {len(found.policies)} policies and {len(found.penalties)} penalties."


def _spell(rate: Rate) -> str:
    per = round(rate.period / timedelta(milliseconds=1))
    until = round(rate.expires_at.timestamp() * 1000) if rate.expires_at else 0
    return f"{rate.capacity} {per} {until}"
