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
        binaries.built(binaries.PROMETHEUS, _say)
    except NoCluster as missing:
        print(f"The tests on Kubernetes are left out: {missing}")
        return int(bool(os.environ.get("CI")))
    print(f"Kubernetes {binaries.kubernetes_version()}: {time.monotonic() - began:.0f} s, {where}")
    return 0


def build_machines() -> None:
    """Build what machines run too, whose tests `make test` has not taken up yet, or say why not."""
    began = time.monotonic()
    try:
        cluster.programs(_say)
    except NoCluster as missing:
        print(f"The tests on machines are left out: {missing}")
        return
    print(f"Machines: {time.monotonic() - began:.0f} s")


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
            code = build()
            build_machines()
            return code
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
