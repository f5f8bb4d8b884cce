"""The chart's alerts and dashboards: each asks for metrics there are, each alert has its page."""

import json
import re

import pytest
import yaml

import support_helm
from legato_operator.desired import monitoring

ROOT = support_helm.ROOT
FILES = support_helm.CHART / "files"
RUNBOOKS = ROOT / "docs/runbooks"
HEADINGS = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]
OF_PROMETHEUS = re.compile(r"_(total|bucket|count|sum)$")
OURS = re.compile(r"\b(?:legato|lavalink)_[a-z_]+")
LABELS = {"legato_dev_bot", "legato_dev_nodes", "legato_dev_region"}
"""Labels of pods, as Prometheus' operator writes them."""

ALERTS = {
    rule["alert"]: rule
    for group in yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
}
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in FILES.glob("dashboards/*.json")}


def _exported() -> set[str]:
    texts = [path.read_text() for path in (ROOT / "services/legato").rglob("*.py")]
    texts += [path.read_text() for path in (ROOT / "operator/legato_operator").rglob("metrics.py")]
    written = {
        name for text in texts for name in re.findall(r'"((?:legato|lavalink)_[a-z_]+)"', text)
    }
    return {OF_PROMETHEUS.sub("", name) for name in written}


def _asked(expression: str) -> set[str]:
    return {OF_PROMETHEUS.sub("", name) for name in OURS.findall(expression)} - LABELS


def _expressions(dashboard: support_helm.Object) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_an_alert_asks_for_metrics_there_are(alert: str) -> None:
    asked = _asked(ALERTS[alert]["expr"])

    assert asked
    assert asked <= _exported()


@pytest.mark.parametrize("alert", sorted({*ALERTS, *(one[0] for one in monitoring.ALERTS)}))
def test_an_alert_has_a_page_that_says_what_to_do(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()

    assert text.startswith(f"# {alert}\n")
    assert re.findall(r"^## .*$", text, re.MULTILINE) == HEADINGS


def test_every_page_is_of_an_alert() -> None:
    written = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}

    assert written == {*ALERTS, *(one[0] for one in monitoring.ALERTS)}


@pytest.mark.parametrize("dashboard", sorted(DASHBOARDS))
def test_a_dashboard_asks_for_metrics_there_are(dashboard: str) -> None:
    expressions = _expressions(DASHBOARDS[dashboard])

    assert len(expressions) >= 10
    exported = _exported() | {"legato_operator_leading"}
    assert {name for one in expressions for name in _asked(one)} <= exported


@pytest.mark.parametrize(
    "expression",
    [
        *(rule["expr"] for rule in ALERTS.values()),
        *(one for dashboard in DASHBOARDS.values() for one in _expressions(dashboard)),
    ],
)
def test_an_expressions_brackets_close(expression: str) -> None:
    bare = re.sub(r'"[^"]*"', "", expression)

    for opening, closing in ("()", "{}", "[]"):
        assert bare.count(opening) == bare.count(closing)
