"""A real Prometheus reads every alert of the chart and of a bot, and answers every dashboard."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import support_helm
from legato_cluster import prometheus, waiting
from legato_operator.desired import monitoring
from support_waiting import PATIENCE

FILES = support_helm.CHART / "files"
PLACEHOLDER = re.compile(r"\$(namespace|bot|nodes)\b")
Json = Any


def rules() -> list[Json]:
    """Every alert: the chart's as it renders them, a bot's as the operator writes them."""
    [rendered] = [
        one
        for one in support_helm.rendered({}, "PrometheusRule")
        if one["kind"] == "PrometheusRule"
    ]
    ours = [
        {
            "alert": alert,
            "expr": expression.format(bot='legato_dev_bot="melody"'),
            "for": lasting,
            "annotations": {"summary": summary},
        }
        for alert, expression, lasting, summary in monitoring.ALERTS
    ]
    return [*rendered["spec"]["groups"], {"name": "bot", "rules": ours}]


@pytest.fixture(scope="module")
def server(programs: object) -> Iterator[prometheus.Prometheus]:
    with prometheus.running(rules=json.dumps({"groups": rules()})) as one:
        yield one


def test_every_alert_is_read_and_comes_without_an_error(server: prometheus.Prometheus) -> None:
    def loaded() -> list[Json]:
        return [one for group in server.get("rules")["groups"] for one in group["rules"]]

    def evaluated() -> bool:
        return all(one["health"] != "unknown" for one in loaded())

    assert {one["name"] for one in loaded()} == {
        rule["alert"] for group in rules() for rule in group["rules"]
    }
    waiting.until(evaluated, "an evaluation of each", timeout=PATIENCE)
    assert {one["name"]: one["lastError"] for one in loaded() if one.get("lastError")} == {}


@pytest.mark.parametrize("dashboard", sorted(path.name for path in FILES.glob("dashboards/*.json")))
def test_every_panel_of_a_dashboard_asks_what_can_be_answered(
    server: prometheus.Prometheus, dashboard: str
) -> None:
    panels = json.loads((FILES / "dashboards" / dashboard).read_text())["panels"]

    for expression in (target["expr"] for panel in panels for target in panel["targets"]):
        server.query(PLACEHOLDER.sub(".*", expression))


def test_an_alert_that_nobody_could_read_would_be_noticed(server: prometheus.Prometheus) -> None:
    with pytest.raises(OSError, match="400"):
        server.query("sum by (pod (legato_audio_players)")
