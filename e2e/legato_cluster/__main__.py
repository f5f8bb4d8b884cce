"""The cluster's commands: build, up, down; `keep FOLDER` is the process that up leaves behind."""

import os
import sys
import time
from pathlib import Path

from legato_cluster import binaries, standing
from legato_cluster.problems import NoCluster


def build() -> int:
    """Build the programs; where that can't be, say why, which is a failure in CI alone."""
    began = time.monotonic()
    try:
        where = binaries.folder(lambda line: print(line, flush=True))
    except NoCluster as missing:
        print(f"The tests on Kubernetes are left out: {missing}")
        return int(bool(os.environ.get("CI")))
    print(f"Kubernetes {binaries.kubernetes_version()}: {time.monotonic() - began:.0f} s, {where}")
    return 0


def main(words: list[str]) -> int:
    """Do what the first word says."""
    match words:
        case ["build"]:
            return build()
        case ["up"]:
            return standing.up(standing.folder())
        case ["down"]:
            return standing.down(standing.folder())
        case ["keep", place]:
            return standing.keep(Path(place))
        case _:
            print("usage: python -m legato_cluster build | up | down")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
