"""The gateway's metrics are named as all of Legato's are."""

from prometheus_client import CollectorRegistry

from legato.gateway.metrics import Metrics

UNITS = {
    *("events", "interactions", "answers", "commands", "shards", "guilds", "resumes"),
    *("identifies", "actions", "errors", "writes", "seconds", "overflows"),
}
"""Seconds, or what is counted."""


def test_every_metric_says_component_thing_and_unit():
    registry = CollectorRegistry()
    Metrics(registry)

    names = [metric.name for metric in registry.collect()]

    assert len(names) == len(set(names)) > 10
    assert [name for name in names if name.rpartition("_")[2] not in UNITS] == []
    assert {name.split("_")[:2] == ["legato", "gateway"] for name in names} == {True}


def test_every_metric_explains_itself():
    registry = CollectorRegistry()
    Metrics(registry)

    assert [metric.name for metric in registry.collect() if not metric.documentation] == []
