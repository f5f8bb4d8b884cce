"""The jobs: each may be run again at any time, and none runs twice at once."""

from legato.worker.jobs import cleanup, flags, limits, usage
from legato.worker.jobs.job import Job

JOBS: dict[str, Job] = {
    "cleanup": cleanup.run,
    "usage": usage.run,
    "limits": limits.run,
    "flags": flags.run,
}
"""Name -> job."""
