"""The chart's alerts and dashboards: each asks for metrics there are, each alert has its page."""

import ast
import functools
import itertools
import json
import re
from collections.abc import Iterator

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
EVERYWHERE = LABELS | {"namespace", "pod", "le"}
"""Labels that any metric may have: its target's, and a histogram's."""
MAKERS = {
    f"{kind}{word}" for kind in ("Counter", "Gauge", "Histogram") for word in ("", "MetricFamily")
}
SELECTED = re.compile(r"\b((?:legato|lavalink)_[a-z_]+)\{([^}]*)\}")
GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
UNITS = {"short", "s", "percentunit", "bytes"}

ALERTS = {
    rule["alert"]: rule
    for group in yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
}
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in FILES.glob("dashboards/*.json")}


def _sources() -> Iterator[str]:
    for path in (ROOT / "services/legato").rglob("*.py"):
        yield path.read_text()
    for path in (ROOT / "operator/legato_operator").rglob("metrics.py"):
        yield path.read_text()


@functools.cache
def _exported() -> set[str]:
    written = {
        name for text in _sources() for name in re.findall(r'"((?:legato|lavalink)_[a-z_]+)"', text)
    }
    return {OF_PROMETHEUS.sub("", name) for name in written}


@functools.cache
def _labels() -> dict[str, set[str]]:
    """The labels that each metric is made with."""
    found: dict[str, set[str]] = {}
    for call in (node for text in _sources() for node in ast.walk(ast.parse(text))):
        match call:
            case ast.Call(func=ast.Name(id=maker), args=[ast.Constant(value=str(name)), *more]):
                if maker in MAKERS:
                    said = [one.value for one in call.keywords if one.arg == "labels"]
                    listed = [one for one in (*said, *more[1:]) if isinstance(one, ast.List)]
                    words = [ast.literal_eval(one) for one in listed]
                    found[OF_PROMETHEUS.sub("", name)] = set(itertools.chain(*words))
    return found


def _foreign(expression: str) -> set[str]:
    """The labels that an expression chooses or groups by, and that none of its metrics has."""
    made = _labels()
    foreign: set[str] = set()
    for name, chosen in SELECTED.findall(expression):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", chosen))
        foreign |= labels - EVERYWHERE - made.get(OF_PROMETHEUS.sub("", name), set())
    known = EVERYWHERE.union(*(made.get(name, set()) for name in _asked(expression)))
    grouped = {one.strip() for words in GROUPED.findall(expression) for one in words.split(",")}
    return foreign | (grouped - known)


def _asked(expression: str) -> set[str]:
    return {OF_PROMETHEUS.sub("", name) for name in OURS.findall(expression)} - LABELS


def _expressions(dashboard: support_helm.Object) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_an_alert_asks_for_metrics_there_are(alert: str) -> None:
    asked = _asked(ALERTS[alert]["expr"])

    assert asked
    assert asked <= _exported()
    assert _foreign(ALERTS[alert]["expr"]) == set()


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_an_alerts_sentence_names_only_labels_that_its_series_have(alert: str) -> None:
    rule = ALERTS[alert]
    known = EVERYWHERE.union(*(_labels().get(name, set()) for name in _asked(rule["expr"])))
    kept = [set(re.split(r",\s*", one)) for one in re.findall(r"\bby \(([^)]*)\)", rule["expr"])]

    said = set(re.findall(r"\$labels\.(\w+)", rule["summary"]))

    assert said <= known
    assert all(said <= one for one in kept)


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
    assert {name for one in expressions for name in _asked(one)} <= _exported()
    assert {one: _foreign(one) for one in expressions if _foreign(one)} == {}


@pytest.mark.parametrize("dashboard", sorted(DASHBOARDS))
def test_a_dashboard_is_one_that_grafana_can_lay_out(dashboard: str) -> None:
    made = DASHBOARDS[dashboard]
    places = [panel["gridPos"] for panel in made["panels"]]

    assert made["uid"] == f"legato-{dashboard}"
    assert len({panel["id"] for panel in made["panels"]}) == len(places)
    assert len({panel["title"] for panel in made["panels"]}) == len(places)
    covered = [
        (one["x"] + x, one["y"] + y)
        for one in places
        for x in range(one["w"])
        for y in range(one["h"])
    ]
    assert len(covered) == len(set(covered))
    assert max(x for x, _ in covered) < 24


@pytest.mark.parametrize("dashboard", sorted(DASHBOARDS))
def test_a_panel_says_what_it_shows_and_in_which_unit(dashboard: str) -> None:
    made = DASHBOARDS[dashboard]
    variables = {one["name"] for one in made["templating"]["list"]}

    for panel in made["panels"]:
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert all(target["legendFormat"] for target in panel["targets"])
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters))
        used = set(re.findall(r"\$\{?(\w+)", json.dumps(panel)))
        assert used <= variables


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
