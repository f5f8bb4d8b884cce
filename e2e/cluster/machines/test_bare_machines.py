"""The machines themselves: pods run, are reached and go elsewhere; nothing is left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from legato_cluster import groups, waiting
from legato_cluster.cluster import Cluster

PATIENCE = 180.0
WEB = Path(__file__).parent / "web.yaml"
HOLDER = """
import sys, time
from legato_cluster import cluster
with cluster.running(cluster.programs(), machines=1) as one:
    one.run("create", "deployment", "web", "--image=legato.test/errand:1")
    one.run("rollout", "status", "deployment/web", "--timeout=300s")
    print(one.control.folder.parent, flush=True)
    time.sleep(3600)
"""


@pytest.fixture(scope="module")
def web(kubernetes: Cluster) -> Cluster:
    """A cluster with a service of two pods, and a pod on the first machine that asks it."""
    kubernetes.run("apply", "-f", str(WEB))
    kubernetes.run("rollout", "status", "deployment/web", "--timeout=300s")
    kubernetes.wait("--for=condition=Ready", "pod/asker")
    return kubernetes


def test_pods_write_logs_and_can_be_entered(web: Cluster) -> None:
    pod = _pods(web, "machine-2")[0]

    said = web.run("exec", pod, "--", "/errand", "get", "http://localhost:8080/hello")

    assert said.strip() == pod
    _until(lambda: "GET /hello" in web.run("logs", pod))


def test_a_service_is_reached_by_name_on_either_machine(web: Cluster) -> None:
    everywhere = {*_pods(web, "machine-1"), *_pods(web, "machine-2")}
    assert len(everywhere) == 2
    answered = set[str]()

    def look() -> bool:
        answered.add(_ask(web))
        return everywhere <= answered

    _until(look)


def test_a_pod_is_reached_from_here(web: Cluster) -> None:
    pod = _pods(web, "machine-2")[0]
    address = web.run("get", "pod", pod, "-o", "jsonpath={.status.podIP}")

    port = web.reach(address, 8080)

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
        assert answer.read().decode().strip() == pod


def test_a_drained_machine_has_no_pods_left(web: Cluster) -> None:
    web.drain("machine-1", "--force")

    _until(lambda: len(_pods(web, "machine-2")) == 2)
    assert _pods(web, "machine-1") == []
    web.uncordon("machine-1")


def test_pods_run_on_beside_a_broken_network(web: Cluster) -> None:
    before = _serving(web, "machine-2")
    assert before

    web.partition("machine-2")
    web.wait("--for=condition=Ready=Unknown", "node/machine-2")

    assert before <= _serving(web, "machine-2")
    web.rejoin("machine-2")
    web.wait_until_ready("machine-2")


def test_nothing_is_left_where_a_holder_is_killed_beside_another(kubernetes: Cluster) -> None:
    with _holder() as (holder, folder):
        assert [pid for pid in _running() if _mentions(pid, folder)]
        os.kill(holder, signal.SIGKILL)

    _until(lambda: not any(place.exists() for place in _traces(folder)))
    _until(lambda: not [pid for pid in _running() if _mentions(pid, folder)])
    assert kubernetes.run("get", "nodes")


@contextlib.contextmanager
def _holder() -> Iterator[tuple[int, Path]]:
    """Let a process of its own hold a cluster in a folder."""
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            folder = Path(process.stdout.readline().strip())
            assert folder.name.startswith("legato-cluster-")
            yield process.pid, folder
        finally:
            process.kill()


def _ask(web: Cluster) -> str:
    done = web.kubectl("exec", "asker", "--", "/errand", "get", "http://web/")
    return done.stdout.strip()


def _pods(web: Cluster, machine: str) -> list[str]:
    """Name the service's pods on a machine that are ready and stay."""
    where = f"--field-selector=spec.nodeName={machine},status.phase=Running"
    found = json.loads(web.run("get", "pods", "-l", "app=web", where, "-o", "json"))["items"]
    known = [pod["metadata"] for pod in found]
    return [one["name"] for one in known if "deletionTimestamp" not in one]


def _serving(web: Cluster, machine: str) -> set[str]:
    """List the processes on a machine that serve; one that began anew has another number."""
    space = web.machines[machine].space
    assert space
    said = space.run("ps", "-eo", "pid,args").splitlines()
    return {line for line in said if "/errand serve" in line}


def _traces(folder: Path) -> list[Path]:
    return [folder, *(tree / folder.name for tree in groups.everywhere())]


def _running() -> list[int]:
    return [int(place.name) for place in Path("/proc").glob("[0-9]*")]


def _mentions(pid: int, folder: Path) -> bool:
    return bytes(folder) in _command(pid)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _until(look: Callable[[], object]) -> None:
    waiting.until(look, "what the test waits for", timeout=PATIENCE)
