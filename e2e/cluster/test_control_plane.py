"""The control plane itself: several at once, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from legato_cluster.control_plane import ControlPlane
from support_waiting import PATIENCE

HOLDER = """
import sys, time
from pathlib import Path
from legato_cluster.control_plane import ControlPlane
with ControlPlane(Path(sys.argv[1])) as one:
    print(one.folder, *one.pids, flush=True)
    time.sleep(3600)
"""


def test_several_run_beside_each_other(bare: ControlPlane, programs: Path) -> None:
    with ControlPlane(programs) as other:
        made = other.kubectl("create", "namespace", "only-there")
        assert made.returncode == 0, made.stderr

        found = bare.kubectl("get", "namespace", "only-there")

    assert "NotFound" in found.stderr


def test_nothing_is_left_of_one_that_ended(programs: Path) -> None:
    with ControlPlane(programs) as one:
        folder, pids = one.folder, one.pids

    assert not folder.exists()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_nothing_is_left_where_its_holder_is_killed(programs: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(programs)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    said, *numbers = holder.stdout.readline().split()
    folder, pids = Path(said), [int(number) for number in numbers]
    assert len(pids) == 3

    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()

    deadline = time.monotonic() + PATIENCE
    while folder.exists() or any(_runs(pid) for pid in pids):
        if time.monotonic() > deadline:
            pytest.fail(f"left: {folder} {[pid for pid in pids if _runs(pid)]}")
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """A zombie of an orphan is gone, whenever who adopts it looks."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def test_deployments_become_pods_that_wait_for_a_machine(bare: ControlPlane) -> None:
    made = bare.kubectl("create", "deployment", "one", "--image=example.org/one:1")
    assert made.returncode == 0, made.stderr

    done = bare.kubectl(
        "wait", "--for=jsonpath={.status.replicas}=1", "deployment/one", "--timeout=120s"
    )

    assert done.returncode == 0, done.stderr
