"""A control plane that stays: make cluster-up and cluster-down."""

import fcntl
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from legato_cluster import __main__ as commands
from legato_cluster import standing
from legato_cluster.problems import NoCluster, NotStarted


def test_it_stays_until_it_is_told_to_go(
    programs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert standing.up(tmp_path) == 0
    said = capfd.readouterr().out
    kubeconfig = Path(said.strip().removeprefix("export KUBECONFIG="))
    assert kubeconfig.is_file()

    assert standing.up(tmp_path) == 0
    again = capfd.readouterr().out
    assert again == f"# One with 0 machines is up already; make cluster-down ends it.\n{said}"

    assert standing.down(tmp_path) == 0
    assert "The cluster is down." in capfd.readouterr().out
    assert standing.keeper(tmp_path) == 0
    assert not kubeconfig.exists()
    assert standing.down(tmp_path) == 0
    assert "No cluster is up." in capfd.readouterr().out


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A folder whose lock holds the note of a keeper that is no more."""
    (tmp_path / "lock").write_text("4194305 2\n")
    return tmp_path


def test_the_note_of_a_keeper_that_is_no_more_counts_for_nothing(locked: Path) -> None:
    assert standing.keeper(locked) == 0
    assert (locked / "lock").read_text() == ""


def test_who_asks_while_a_keeper_signs_waits_for_its_note(locked: Path) -> None:
    assert standing.keeper(locked) == 0

    with (locked / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def sign() -> None:
            time.sleep(3 * standing.TICK)
            lock.write(f"{os.getpid()} 2\n")
            lock.flush()

        signing = threading.Thread(target=sign)
        signing.start()
        assert standing.keeper(locked) == os.getpid()
        signing.join()


def test_a_keeper_that_does_not_come_up_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(standing, "folder", lambda: tmp_path)
    monkeypatch.setattr(standing, "_prepare", lambda *_: None)
    monkeypatch.setattr(sys, "executable", "/bin/false")

    assert commands.main(["up"]) == 1
    keeper_log = tmp_path / "keeper.log"
    assert capfd.readouterr().out == f"The cluster did not start; see {keeper_log}.\n"


@pytest.mark.parametrize("kind", [NoCluster, NotStarted])
def test_what_is_missing_is_told_in_its_sentence(
    kind: type[Exception],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def missing(*_: object) -> None:
        raise kind("buildah is missing.")

    monkeypatch.setattr(standing, "folder", lambda: tmp_path)
    monkeypatch.setattr(standing, "_prepare", missing)

    assert commands.main(["up", "2"]) == 1
    assert capfd.readouterr().out == "buildah is missing.\n"
