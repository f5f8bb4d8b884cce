"""The API's metrics."""

from prometheus_client import CollectorRegistry, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """What is counted of requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.request_seconds = Histogram(
            "legato_api_request_seconds",
            "Requests by route and status, and how long they took",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=registry,
        )
