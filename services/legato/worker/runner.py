"""Runs one job once, under its lock, and measures it."""

import time

from legato.store import locks
from legato.worker.jobs import JOBS
from legato.worker.jobs.job import Means
from legato.worker.metrics import Metrics

SKIPPED = "Another worker is running this job; nothing to do."


async def run(name: str, means: Means, metrics: Metrics) -> str:
    """Run a job unless it runs already; returns what came of it. Raises Unavailable."""
    began = time.perf_counter()
    outcome = "failed"
    try:
        async with locks.held(means.database, f"job:{name}") as ours:
            said = await JOBS[name](means) if ours else SKIPPED
        outcome = "done" if ours else "skipped"
    finally:
        metrics.job_seconds.labels(name, outcome).observe(time.perf_counter() - began)
    metrics.last_success.labels(name).set_to_current_time()
    return said
