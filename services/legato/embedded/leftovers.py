"""Notes of the children we started, by which a later start ends what is surely its own.

A pid alone proves nothing: the note also holds when the process began and what it runs.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import msgspec

from legato.embedded.child import Child

GRACE = 15.0
"""Seconds that a leftover may take to end by itself."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One child, as it was when it was started."""

    name: str
    pid: int
    began: str
    command: str
    stop_signal: int


def note(folder: pathlib.Path, child: Child) -> None:
    """Write down a child that was just started."""
    found = Note(
        name=child.program.name,
        pid=child.pid,
        began=_began(child.pid),
        command=child.program.command[0],
        stop_signal=int(child.program.stop_signal),
    )
    (folder / f"{found.name}.json").write_bytes(msgspec.json.encode(found))


def strike(folder: pathlib.Path, name: str) -> None:
    """Forget a child that has ended."""
    (folder / f"{name}.json").unlink(missing_ok=True)


def end_all(folder: pathlib.Path) -> list[str]:
    """End every noted process that still runs; return their names."""
    found = [_read(file) for file in sorted(folder.glob("*.json"))]
    running = [one for one in found if one and _is_running(one)]
    for one in running:
        _signal(one, one.stop_signal)
    deadline = time.monotonic() + GRACE
    for one in running:
        while _is_running(one):
            if time.monotonic() > deadline:
                _signal(one, signal.SIGKILL)
            time.sleep(0.02)
    for file in folder.glob("*.json"):
        file.unlink()
    return [one.name for one in running]


def _read(file: pathlib.Path) -> Note | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Note)
    except msgspec.DecodeError:
        return None


def _is_running(one: Note) -> bool:
    return bool(one.began) and _began(one.pid) == one.began and one.command in _command(one.pid)


def _signal(one: Note, number: int) -> None:
    try:
        os.kill(one.pid, number)
    except ProcessLookupError:
        return


def _began(pid: int) -> str:
    """Say when a process began, uniquely on this machine; empty when it has ended."""
    if sys.platform != "linux":
        return _ps(pid, "lstart")
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    if fields[0] in "ZX":
        return ""
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {fields[19]}"


def _command(pid: int) -> str:
    if sys.platform != "linux":
        return _ps(pid, "command")
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _ps(pid: int, column: str) -> str:
    return subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
