import pytest

from legato_cluster import binaries


def test_the_version_is_the_one_that_is_pinned() -> None:
    assert binaries.kubernetes_version().startswith("v1.")


def test_a_machine_without_go_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)

    with pytest.raises(binaries.NoCluster, match="Go is not installed"):
        binaries.folder()
