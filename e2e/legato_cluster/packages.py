"""What a machine of the cluster needs of this system, beside what is built here."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from legato_cluster.problems import NoCluster
from legato_cluster.spaces import PATH

NEEDED = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "nft": "nftables",
    "ip": "iproute2",
}
"""A program, and the Debian package that brings it."""


def missing() -> Sequence[str]:
    """List the packages that are not installed."""
    return [package for program, package in NEEDED.items() if not shutil.which(program, path=PATH)]


def install() -> None:
    """Install what is missing; NoCluster where that can't be done."""
    wanted = missing()
    if not wanted:
        return
    if os.getuid() or not shutil.which("apt-get"):
        raise NoCluster(f"a machine of the cluster needs: {' '.join(wanted)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ("update", "-qq"),
        ("install", "-y", "-qq", "--no-install-recommends", *wanted),
    ):
        done = subprocess.run(
            ["apt-get", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise NoCluster(f"apt-get could not install {' '.join(wanted)}: {done.stderr[-500:]}")
