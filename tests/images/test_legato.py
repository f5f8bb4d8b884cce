"""The Dockerfile against what else is said of it; building it is the cluster tests' work."""

import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

from legato_operator.desired import pods

ROOT = pathlib.Path(__file__).parents[2]
DOCKERFILE = (ROOT / "images/legato/Dockerfile").read_text()
STAGES = re.findall(r"^FROM runtime AS (\w+)$", DOCKERFILE, re.MULTILINE)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_every_component_is_a_stage_and_has_its_extra() -> None:
    assert set(STAGES) == {
        "gateway",
        "audio",
        "api",
        "worker",
        "node",
        "operator",
        "simulator",
        "all",
    }
    assert set(STAGES) - {"all"} <= set(EXTRAS)


@pytest.mark.parametrize("component", sorted(set(STAGES) - {"all"}))
def test_a_components_packages_are_in_the_lock_and_no_tests_need_among_them(component: str) -> None:
    done = subprocess.run(
        [sys.executable, "tools/locked.py", component],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    names = set(re.findall(r"^([a-z0-9-]+)==", done.stdout, re.MULTILINE))
    assert names
    assert not names & {"pytest", "mypy", "ruff", "playwright", "discord-py", "setuptools"}
    assert ("kopf" in names) == (component == "operator")
    assert ("hikari" in names) == (component == "gateway")


def test_the_image_runs_as_whom_the_pods_run() -> None:
    assert f"USER {pods.USER}:{pods.USER}" in DOCKERFILE
    assert f"legato:x:{pods.USER}:{pods.USER}:" in DOCKERFILE


def test_what_the_image_copies_is_in_its_context_and_in_its_key() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split("*\n", 1)[1]
    allowed = set(re.findall(r"^!(\S+)$", ignored, re.MULTILINE))
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    }
    keyed = re.search(
        r"^SOURCES = \((.*?)\)", (ROOT / "tools/images.py").read_text(), re.DOTALL | re.MULTILINE
    )

    assert copied == allowed
    assert keyed is not None
    for path in copied:
        assert (ROOT / path).exists()
        assert f'"{path}"' in keyed[1] or any(
            f'"{parent}"' in keyed[1] for parent in pathlib.Path(path).parents
        )
