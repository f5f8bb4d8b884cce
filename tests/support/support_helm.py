"""What the chart makes of values: helm template, read as objects."""

import functools
import pathlib
import subprocess
import sys
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).parents[2]
CHART = ROOT / "charts/legato"
CASES = ROOT / "tests/charts/legato/cases"

Object = dict[str, Any]


class Refused(Exception):
    """Helm renders nothing; the text is what it says."""


@functools.cache
def helm() -> str:
    """Find helm, or fetch it."""
    done = subprocess.run(
        [sys.executable, "tools/helm.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run(*words: str, values: Object | None = None) -> str:
    """Run helm with values; Refused where it does not do it."""
    given = ["--values", "-"] if values is not None else []
    done = subprocess.run(
        [helm(), *words, *given],
        input=yaml.safe_dump(values or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


def rendered(values: Object, *kinds: str) -> list[Object]:
    """Render the chart for a cluster that knows these kinds of Prometheus' operator too."""
    return [one for one in yaml.safe_load_all(_text(yaml.safe_dump(values), kinds)) if one]


@functools.cache
def _text(values: str, kinds: tuple[str, ...]) -> str:
    known = [
        word for kind in kinds for word in ("--api-versions", f"monitoring.coreos.com/v1/{kind}")
    ]
    words = ("template", "legato", str(CHART), "--namespace", "legato-system", *known)
    return run(*words, values=yaml.safe_load(values))


def only(objects: list[Object], kind: str, name: str) -> Object:
    """Find one object."""
    [found] = [one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod_specs(objects: list[Object]) -> list[Object]:
    """List what pods are made of."""
    specs = []
    for one in objects:
        match one:
            case {"kind": "Pod", "spec": spec}:
                specs.append(spec)
            case {"kind": "Deployment" | "Job", "spec": {"template": {"spec": spec}}}:
                specs.append(spec)
    return specs
