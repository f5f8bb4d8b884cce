"""Which Go builds Kubernetes."""

from pathlib import Path

import pytest

from legato_cluster import go
from legato_cluster.problems import NoCluster


def _go(folder: Path, said: str) -> str:
    program = folder / "go"
    program.write_text(f"#!/bin/sh\necho go version {said} linux/amd64\n")
    program.chmod(0o755)
    return str(program)


@pytest.fixture(autouse=True)
def no_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let nothing be fetched, nor found where it was fetched before."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(go, "USUAL", "/nowhere/go")


def test_the_machines_own_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _go(tmp_path, "go1.26.8")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")

    assert go.program((1, 26)) == found


def test_without_one_another_is_fetched_or_it_is_said_why_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(NoCluster, match="Go is not installed or too old, and could not be fetched"):
        go.program((1, 24))


def test_one_that_is_too_old_does_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _go(tmp_path, "go1.19.8")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")

    with pytest.raises(NoCluster, match="too old"):
        go.program((1, 24))


@pytest.mark.parametrize(
    ("said", "version"), [("go1.26.8", (1, 26)), ("go1.27rc1", (1, 27)), ("devel", (0, 0))]
)
def test_a_version_is_read(tmp_path: Path, said: str, version: tuple[int, int]) -> None:
    assert go.version(_go(tmp_path, said)) == version
