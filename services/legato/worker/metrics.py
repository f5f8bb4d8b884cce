"""The worker's metrics."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """What is counted of jobs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.job_seconds = Histogram(
            "legato_worker_job_seconds",
            "Runs of jobs by outcome (done, skipped, failed), and how long they took",
            ["job", "outcome"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self.last_success = Gauge(
            "legato_worker_job_last_success_timestamp_seconds",
            "When a job last came to its end",
            ["job"],
            registry=registry,
        )
