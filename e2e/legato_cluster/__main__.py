"""The cluster's commands: build, up, down; `keep FOLDER MACHINES` is what up leaves behind."""

import os
import sys
import time
from pathlib import Path

from legato_cluster import binaries, cluster, standing
from legato_cluster.problems import NoCluster


def build() -> int:
    """Build the programs; where that can't be, say why, which is a failure in CI alone."""
    began = time.monotonic()
    try:
        where = binaries.folder(_say)
    except NoCluster as missing:
        print(f"The tests on Kubernetes are left out: {missing}")
        return int(bool(os.environ.get("CI")))
    print(f"Kubernetes {binaries.kubernetes_version()}: {time.monotonic() - began:.0f} s, {where}")
    return 0


def build_all() -> int:
    """Build also what machines run, and Prometheus; where that can't be, say why."""
    began = time.monotonic()
    try:
        binaries.built(binaries.PROMETHEUS, _say)
        cluster.programs(_say)
    except NoCluster as missing:
        print(f"The tests on machines are left out: {missing}")
        return int(bool(os.environ.get("CI")))
    print(f"Machines and Prometheus: {time.monotonic() - began:.0f} s")
    return 0


def up(machines: str) -> int:
    """Start a cluster that stays, or say why there is none."""
    try:
        return standing.up(standing.folder(), int(machines))
    except NoCluster as missing:
        print(missing)
        return 1


def _say(line: str) -> None:
    print(line, flush=True)


def main(words: list[str]) -> int:
    """Do what the first word says."""
    match words:
        case ["build"]:
            return build() or build_all()
        case ["up"]:
            return up("0")
        case ["up", machines] if machines.isdecimal():
            return up(machines)
        case ["down"]:
            return standing.down(standing.folder())
        case ["keep", place, machines]:
            return standing.keep(Path(place), int(machines))
        case _:
            print("usage: python -m legato_cluster build | up [MACHINES] | down")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
