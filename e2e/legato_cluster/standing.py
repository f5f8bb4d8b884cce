"""A cluster that stays until it is told to go: what make cluster-up and cluster-down run.

A keeper process of its own holds it and a lock; whoever asks reads the keeper's number from the
lock file, and trusts it only while the lock is held.
"""

import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from legato_cluster import binaries, cluster, platform, waiting
from legato_cluster.control_plane import START_TIMEOUT, ControlPlane

TICK = 0.1
FAREWELL = 30.0
"""Seconds that the keeper may take to end."""


def folder() -> Path:
    """Name the folder of the keeper's notes."""
    return Path.home() / ".cache" / "legato" / "cluster" / "standing"


def up(place: Path, machines: int = 0) -> int:
    """Start a keeper unless one is there, and say how to reach its cluster."""
    place.mkdir(parents=True, exist_ok=True)
    if there := _note(place):
        # A comment, so that a shell can be given all that is said.
        print(f"# One with {there[1]} machines is up already; make cluster-down ends it.")
        waiting.until((place / "kubeconfig").is_symlink, "the cluster that starts")
    else:
        (place / "kubeconfig").unlink(missing_ok=True)
        if machines:
            cluster.programs(_say)
            _say(f"Every machine will hold {platform.IMAGE}: {platform.image()}")
            _say(f"kubectl: {binaries.folder(_say) / 'kubectl'}")
            _say("helm: .venv/bin/python tools/helm.py says where it is.")
        binaries.folder(_say)
        pid = _left_behind(place, machines)
        if not _appeared(place / "kubeconfig", pid):
            print(f"The cluster did not start; see {place / 'keeper.log'}.")
            return 1
    print(f"export KUBECONFIG={(place / 'kubeconfig').readlink()}")
    return 0


def down(place: Path) -> int:
    """End the keeper and all it holds, and wait until it has gone."""
    pid = keeper(place)
    if not pid:
        print("No cluster is up.")
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + FAREWELL
    while keeper(place):
        if time.monotonic() > deadline:
            print(f"The keeper, process {pid}, does not end.")
            return 1
        time.sleep(TICK)
    print("The cluster is down.")
    return 0


def keep(place: Path, machines: int = 0) -> int:
    """Hold a cluster until SIGTERM; one of no machine is its control plane alone."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    with (place / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        lock.write(f"{os.getpid()} {machines}")
        lock.flush()
        with _held(machines) as kubeconfig:
            (place / "kubeconfig").unlink(missing_ok=True)
            (place / "kubeconfig").symlink_to(kubeconfig)
            while not over.wait(timeout=1):
                pass
    (place / "kubeconfig").unlink(missing_ok=True)
    return 0


def keeper(place: Path) -> int:
    """Say the number of the keeper that runs, else 0."""
    there = _note(place)
    return there[0] if there else 0


def _say(line: str) -> None:
    print(f"# {line}", flush=True)


def _note(place: Path) -> tuple[int, int] | None:
    """Read which keeper holds the lock, and how many machines it has."""
    file = place / "lock"
    if not file.exists():
        return None
    with file.open("r+") as lock:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
        pid, _, machines = (lock.read() or "0 0").partition(" ")
        return int(pid), int(machines)


@contextlib.contextmanager
def _held(machines: int) -> Iterator[Path]:
    if machines:
        held = [platform.image()]
        with cluster.running(cluster.programs(), machines=machines, archives=held) as whole:
            yield whole.kubeconfig
    else:
        with ControlPlane(binaries.folder()) as control:
            yield control.kubeconfig


def _left_behind(place: Path, machines: int) -> int:
    """Start a keeper that is nobody's child to wait for."""
    command = [sys.executable, "-m", "legato_cluster", "keep", str(place), str(machines)]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(place / "keeper.log"), flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)


def _appeared(file: Path, pid: int) -> bool:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and os.waitpid(pid, os.WNOHANG) == (0, 0):
        if file.is_symlink():
            return True
        time.sleep(TICK)
    return False
