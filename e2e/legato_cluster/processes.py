"""The processes of a pod, as this machine sees them: found by their control group, and signalled.

A machine of the cluster is a process tree of this one. Knows no Kubernetes but the groups' names.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

PROCESSES = Path("/proc")
PAUSE = b"/errand\0pause"
"""What holds a pod's network; without it the pod itself would be made anew."""


def of_pod(uid: str, root: Path = PROCESSES) -> list[int]:
    """List those of a pod's containers."""
    return [int(one.name) for one in root.glob("[0-9]*") if _is_of(one, uid)]


def send(uid: str, number: int) -> int:
    """Send a signal to all of a pod's containers; say how many processes there were."""
    found = of_pod(uid)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return len(found)


@contextlib.contextmanager
def frozen(uid: str) -> Iterator[None]:
    """Freeze a pod: its connections stay open, and nobody answers."""
    if not send(uid, signal.SIGSTOP):
        raise LookupError(f"no process of pod {uid} runs")
    try:
        yield
    finally:
        send(uid, signal.SIGCONT)


def _is_of(process: Path, uid: str) -> bool:
    try:
        group, command = (process / "cgroup").read_text(), (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return f"pod{uid}/" in group and bool(command) and not command.startswith(PAUSE)
