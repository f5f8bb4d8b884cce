"""The operator's metrics."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from legato_operator.resources.status import Condition

_FAST = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_VALUES = {"True": 1, "False": 0, "Unknown": -1}


class Metrics:
    """What is counted of looks and calls."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.looks = Histogram(
            "legato_operator_look_seconds",
            "Looks at a resource, by outcome (settled, acted, failed, gone)",
            ["kind", "outcome"],
            buckets=_FAST,
            registry=registry,
        )
        self.waited = Histogram(
            "legato_operator_queue_wait_seconds",
            "How long a resource waited for its look",
            buckets=_FAST,
            registry=registry,
        )
        self.actions = Counter(
            "legato_operator_actions",
            "What was done, by action (apply, delete, patch, makepassword) and kind of object",
            ["action", "kind"],
            registry=registry,
        )
        self.calls = Counter(
            "legato_operator_api_calls",
            "Calls to the API server; code none = no answer",
            ["verb", "resource", "code"],
            registry=registry,
        )
        self.call_seconds = Histogram(
            "legato_operator_api_seconds",
            "Calls to the API server until their answer began",
            ["verb"],
            buckets=_FAST,
            registry=registry,
        )
        self.unanswered = Counter(
            "legato_operator_unanswered_questions",
            "Questions to Prometheus without a figure: Empty, Stale, Partial or Error",
            ["why"],
            registry=registry,
        )
        self.events = Counter(
            "legato_operator_events", "Kubernetes Events, by type", ["type"], registry=registry
        )
        self.conditions = Gauge(
            "legato_operator_condition",
            "A resource's condition: 1 = true, 0 = false, -1 = unknown",
            ["kind", "namespace", "name", "type"],
            registry=registry,
        )

    def count_call(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """Count one call to the API server."""
        self.calls.labels(verb, resource, code).inc()
        self.call_seconds.labels(verb).observe(seconds)

    def show(self, place: tuple[str, str, str], conditions: tuple[Condition, ...]) -> None:
        """Show what a resource's conditions are."""
        for one in conditions:
            self.conditions.labels(*place, one.type).set(_VALUES[one.status])

    def forget(self, place: tuple[str, str, str]) -> None:
        """Show nothing more of a resource that is gone."""
        kind, namespace, name = place
        self.conditions.remove_by_labels({"kind": kind, "namespace": namespace, "name": name})

    def follow(
        self,
        *,
        depth: Callable[[], int],
        ages: Callable[[], Mapping[str, float]],
        leads: Callable[[], bool],
    ) -> None:
        """Show what is only looked up when it is asked for."""
        self.registry.register(_Live(depth, ages, leads))


class _Live(Collector):
    def __init__(
        self,
        depth: Callable[[], int],
        ages: Callable[[], Mapping[str, float]],
        leads: Callable[[], bool],
    ) -> None:
        self._depth = depth
        self._ages = ages
        self._leads = leads

    def describe(self) -> Iterator[Metric]:
        """Say nothing before there is anything to say."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Give every metric."""
        text = "Resources that wait for a look"
        yield GaugeMetricFamily("legato_operator_queue_depth", text, value=self._depth())
        text = "1 = this process leads, 0 = it stands by"
        yield GaugeMetricFamily("legato_operator_leading", text, value=self._leads())
        text = "Since the API server last said anything in a watch"
        ages = GaugeMetricFamily("legato_operator_watch_age_seconds", text, labels=["kind"])
        for kind, age in sorted(self._ages().items()):
            ages.add_metric([kind], age)
        yield ages
