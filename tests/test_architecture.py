"""What style.md asks of the tree as a whole; `.importlinter` holds who may import whom."""

import ast
import importlib
import pathlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import msgspec
import pytest

import support_golden
from legato import contracts

ROOT = pathlib.Path(__file__).parents[1]
TESTS = ROOT / "tests"
SERVICES = ROOT / "services" / "legato"
MIRRORED = {
    "services": SERVICES,
    "operator": ROOT / "operator" / "legato_operator",
    "e2e": ROOT / "e2e",
    "benchmarks": ROOT / "benchmarks",
    "charts": ROOT / "charts",
    "images": ROOT / "images",
    "tools": ROOT / "tools",
}
"""Folder of tests -> what it mirrors, path by path."""
METRICS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"} | {
    f"{kind}MetricFamily" for kind in ("Counter", "Gauge", "Histogram")
}
COMPONENTS = ("gateway", "audio", "api", "worker", "node")
EVERY_COMPONENTS_METRICS = {
    "legato_dependency_up",
    "legato_dependency_changed_timestamp_seconds",
    "legato_event_loop_lag_seconds",
    "legato_started_timestamp_seconds",
}
"""Each service exports them under the same name; Prometheus tells them apart by target."""


def test_the_operators_folder_hides_no_module_of_python() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_no_folder_of_tests_is_a_package() -> None:
    assert list(TESTS.rglob("__init__.py")) == []


def _tested(test: pathlib.Path) -> list[pathlib.Path]:
    folder, *between = test.relative_to(TESTS).parent.parts
    name = test.stem.removeprefix("test_")
    place = MIRRORED[folder].joinpath(*between)
    return [place / f"{name}.py", place / f"__{name}__.py", place / name]


def test_every_test_is_where_the_path_of_what_it_tests_says() -> None:
    tests = set(TESTS.rglob("test_*.py")) - {pathlib.Path(__file__)}

    lost = [test for test in tests if not any(path.exists() for path in _tested(test))]

    assert sorted(str(test.relative_to(ROOT)) for test in lost) == []


def test_generated_files_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "tools/generated.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")


def _metrics(folder: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Yield the module and the name of every metric whose name stands in the code."""
    for module in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id=kind) | ast.Attribute(attr=kind),
                    args=[ast.Constant(value=str(name)), *_],
                ) if kind in METRICS:
                    yield str(module.relative_to(SERVICES)), name


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_components_metrics_bear_its_name(component: str) -> None:
    found = list(_metrics(SERVICES / component))

    assert found
    wrong = [one for one in found if not one[1].startswith(f"legato_{component}_")]
    assert wrong == []


def test_what_is_shared_exports_no_metric_of_its_own() -> None:
    shared = {name for module, name in _metrics(SERVICES) if module.split("/")[0] not in COMPONENTS}

    assert shared == EVERY_COMPONENTS_METRICS


def test_every_alert_asks_for_a_metric_there_is() -> None:
    asked = re.findall(r"legato_\w+", (ROOT / "docs" / "alerts.md").read_text())
    exported = {name for _, name in _metrics(SERVICES)}

    assert asked
    assert {re.sub("_(total|bucket)$", "", name) for name in asked} <= exported


def _tags() -> Iterator[str]:
    """Yield the tag of every message of the contracts."""
    for found in pkgutil.iter_modules(contracts.__path__):
        module = importlib.import_module(f"legato.contracts.{found.name}")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                tag = kind.__struct_config__.tag
                if isinstance(tag, str) and tag:
                    yield tag


@pytest.mark.parametrize("tag", sorted(set(_tags())))
def test_every_message_was_written_down_once(tag: str) -> None:
    assert support_golden.read(tag)


def test_every_rule_that_is_broken_on_purpose_is_where_it_is_said_to_be() -> None:
    listed = tomllib.loads((TESTS / "mutations.toml").read_text())["mutation"]

    lost = [
        one["rule"] for one in listed if (ROOT / one["file"]).read_text().count(one["old"]) != 1
    ]
    assert lost == []


# The table of rules in docs/promise.md: what it names must be there.

_ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "promise.md").read_text().splitlines()
    if re.match(r"\| (\d+|-) \| ", line)
]


def _place(path: str, *, below: pathlib.Path) -> pathlib.Path:
    return ROOT / path if path.startswith((".", "e2e/")) else below / path


def test_the_table_of_rules_names_code_and_a_test_for_every_section() -> None:
    assert {row[0] for row in _ROWS} >= {str(section) for section in range(1, 11)}
    assert [row[1] for row in _ROWS if not row[2] or ".py" not in row[3]] == []


def test_the_table_of_rules_names_only_code_that_is_there() -> None:
    named = {path for row in _ROWS for path in re.findall(r"`([^`]+)`", row[2])}

    lost = [path for path in named if not _place(path, below=SERVICES).exists()]
    assert sorted(lost) == []


def test_the_table_of_rules_names_only_tests_that_are_there() -> None:
    lost = []
    for row in _ROWS:
        for path, tests in re.findall(r"`([^`]+\.py)`:?((?:,? \*[^*]+\*)*)", row[3]):
            file = _place(path, below=TESTS / "services")
            text = file.read_text() if file.exists() else ""
            names = [f"test_{one.replace(' ', '_')}" for one in re.findall(r"\*([^*]+)\*", tests)]
            lost += [path] * (not text)
            lost += [f"{path}: {name}" for name in names if f"def {name}(" not in text]

    assert lost == []
