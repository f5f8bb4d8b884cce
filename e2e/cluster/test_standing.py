"""A control plane that stays: make cluster-up and cluster-down."""

from pathlib import Path

import pytest

from legato_cluster import standing


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
