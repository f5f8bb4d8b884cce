"""What processes cost: processor time and memory, read from /proc."""

import gc
import os
import pathlib
import resource
from collections.abc import Mapping

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += _children(one)
    return found


def _children(pid: int) -> list[int]:
    listed: list[int] = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            listed += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return listed


def seconds(pid: int) -> float:
    """Sum the processor seconds that a process and its living descendants used."""
    return sum(own_seconds(one) for one in family(pid))


def own_seconds(pid: int) -> float:
    """Return the processor seconds of one process alone; 0 when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def spent(pids: Mapping[str, int]) -> dict[str, float]:
    """Read the processor seconds of several families."""
    return {name: seconds(pid) for name, pid in pids.items()}


def shares(before: Mapping[str, float], after: Mapping[str, float], wall: float) -> str:
    """Say which share of a core each family took."""
    found = {name: max(0.0, after[name] - before[name]) / wall for name in before if name in after}
    ordered = sorted(found.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {share:.0%}" for name, share in ordered)


def resident(pid: int | None = None) -> int:
    """Tell the memory of a process and its descendants in bytes; of this one alone by default."""
    if pid is None:
        gc.collect()
        return _resident("self")
    return sum(_resident(str(one)) for one in family(pid))


def _resident(pid: str) -> int:
    try:
        pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


def peak(pid: int) -> int:
    """Tell the most memory that one process ever had, in bytes."""
    said = pathlib.Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2]
    return int(said.split()[0]) * 1024
