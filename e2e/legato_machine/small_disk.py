"""A disk of its own for one server, which can be filled to the last byte and emptied again.

The disk is a tmpfs in a mount namespace of the server's process: it ends with that process, and
nobody else sees it.
"""

import dataclasses
import os
import pathlib
import shlex
import shutil
import subprocess

import pytest

from legato.embedded.child import Program

ROOM = 24 << 20
"""Bytes left once the server's data is there."""
BALLAST = "ballast"
MISSING = "no disk was filled: this user may not mount one in a namespace of its own"


def allowed() -> bool:
    """Tell whether the machine lets us have one."""
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return False
    if os.getuid() != 0:
        return False
    tried = ("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt")
    return subprocess.run(tried, check=False, capture_output=True).returncode == 0  # noqa: S603


def required() -> None:
    """Leave the test out where the machine does not let us; CI must."""
    if allowed():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


class SmallDisk:
    """The disk under a server's data folder."""

    def __init__(self, data: pathlib.Path) -> None:
        self._data = data
        self._pid = 0

    def under(self, program: Program) -> Program:
        """Run a server on it; what is in its folder is copied there first."""
        user = program.user
        if user is None:
            raise AssertionError("a server that runs as root fills no disk")
        size = sum(each.stat().st_size for each in self._data.rglob("*") if each.is_file())
        data, copy = shlex.quote(str(self._data)), shlex.quote(f"{self._data}-copy")
        options = f"size={size + ROOM},uid={user.uid},gid={user.gid},mode=700"
        script = (
            f"set -e; cp -a {data} {copy}; mount -t tmpfs -o {options} tmpfs {data}; "
            f"cp -a {copy}/. {data}; rm -r {copy}; exec setpriv --reuid={user.uid} "
            f"--regid={user.gid} --clear-groups --pdeathsig={program.orphan_signal.name[3:]} "
            f"{shlex.join(program.command)}"
        )
        command = ("/usr/bin/unshare", "--mount", "/bin/sh", "-c", script)
        return dataclasses.replace(program, user=None, command=command)

    def fill(self, pid: int) -> int:
        """Leave not a byte free, as seen by the server with this process id; return the ballast."""
        self._pid = pid
        with self._ballast.open("wb") as ballast:
            free = os.fstatvfs(ballast.fileno())
            size = free.f_bfree * free.f_bsize
            os.posix_fallocate(ballast.fileno(), 0, size)
        return size

    def free(self) -> None:
        """Take the ballast away."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> pathlib.Path:
        return pathlib.Path(f"/proc/{self._pid}/root{self._data}/{BALLAST}")
