"""A cluster that stays until it is told to go: what make cluster-up and cluster-down run.

A keeper process of its own holds it and a lock. Whoever asks reads the keeper's note in the lock
file, and trusts it only while the lock is held: the note of a keeper that is no more is emptied by
whoever finds it, and an empty one is about to be written.
"""

import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from legato_cluster import binaries, cluster, platform
from legato_cluster.control_plane import START_TIMEOUT, ControlPlane
from legato_cluster.problems import NotStarted

TICK = 0.1
GLANCE = 10.0
"""Seconds in which whoever only looks at the lock has let go of it, and a keeper has signed."""
FAREWELL = 30.0
"""Seconds that the keeper may take to end."""


def folder() -> Path:
    """Name the folder of the keeper's notes."""
    return Path.home() / ".cache" / "legato" / "cluster" / "standing"


def up(place: Path, machines: int = 0) -> int:
    """Start a keeper unless one is there, and say how to reach its cluster; NotStarted says why."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "starting").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if there := _note(place):
            # A comment, so that a shell can be given all that is said.
            _say(f"One with {there[1]} machines is up already; make cluster-down ends it.")
            appeared = _appeared(place, lambda: keeper(place))
        else:
            _prepare(place, machines)
            pid = _left_behind(place, machines)
            appeared = _appeared(place, lambda: os.waitpid(pid, os.WNOHANG) == (0, 0))
    if not appeared:
        raise NotStarted(f"The cluster did not start; see {place / 'keeper.log'}.")
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
    while keeper(place) == pid:
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
        _sign(lock, f"{os.getpid()} {machines}\n")
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


def _prepare(place: Path, machines: int) -> None:
    """Build what there is not yet, which may take minutes, and say where it is."""
    (place / "kubeconfig").unlink(missing_ok=True)
    programs = binaries.folder(_say)
    if machines:
        cluster.programs(_say)
        _say(f"Every machine will hold {platform.IMAGE}: {platform.image()}")
        _say(f"kubectl: {programs / 'kubectl'}")
        _say("helm: .venv/bin/python tools/helm.py says where it is.")
        _say("docs/kubernetes.md goes on from here: Trying it without Discord.")


def _sign(lock: TextIO, note: str) -> None:
    """Take the lock for as long as it is open, and say whose it is."""
    deadline = time.monotonic() + GLANCE
    while not _taken(lock, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            raise NotStarted("Another keeper holds a cluster.")
        time.sleep(TICK)
    lock.truncate(0)
    lock.write(note)
    lock.flush()


def _taken(lock: TextIO, kind: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
        return True
    return False


def _note(place: Path) -> tuple[int, int] | None:
    """Read which keeper holds the lock, and how many machines it has."""
    if not (place / "lock").exists():
        return None
    deadline = time.monotonic() + GLANCE
    with (place / "lock").open("a+") as lock:
        while not _taken(lock, fcntl.LOCK_SH):  # who only looks keeps no other from looking
            lock.seek(0)
            if (note := lock.read()).endswith("\n"):
                pid, machines = note.split()
                return int(pid), int(machines)
            if time.monotonic() > deadline:
                raise NotStarted(f"Something holds {lock.name} that is no keeper.")
            time.sleep(TICK)
        lock.truncate(0)
    return None


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


def _appeared(place: Path, runs: Callable[[], object]) -> bool:
    """Wait until a cluster can be reached, while its keeper runs."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and runs():
        if (place / "kubeconfig").is_symlink():
            return True
        time.sleep(TICK)
    return False
