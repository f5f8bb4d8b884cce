"""Which processes belong to a pod."""

from pathlib import Path

import pytest

from legato_cluster import processes

UID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


def process(root: Path, pid: int, group: str, command: bytes) -> None:
    folder = root / str(pid)
    folder.mkdir()
    (folder / "cgroup").write_text(f"3:cpu:{group}\n2:memory:{group}\n")
    (folder / "cmdline").write_bytes(command)


def test_a_pods_processes_are_those_of_its_group_but_the_one_that_holds_its_network(
    tmp_path: Path,
) -> None:
    ours = f"/legato-cluster-x/machine-2/kubepods/burstable/pod{UID}"
    process(tmp_path, 7, f"{ours}/aaaa", b"/errand\0pause\0")
    process(tmp_path, 8, f"{ours}/bbbb", b"python\0-m\0legato_operator\0")
    process(tmp_path, 9, f"{ours}/bbbb", b"")  # a zombie
    process(tmp_path, 10, "/kubepods/pod0000/cccc", b"python\0")
    (tmp_path / "11").mkdir()  # ended meanwhile

    assert processes.of_pod(UID, tmp_path) == [8]


def test_a_pod_that_does_not_run_can_not_be_frozen() -> None:
    with pytest.raises(LookupError), processes.frozen(UID):
        pass
