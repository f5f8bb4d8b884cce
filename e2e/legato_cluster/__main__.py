"""The commands: build, image, up, down; `keep FOLDER MACHINES` is what up leaves behind."""

import os
import sys
import time
from pathlib import Path

from legato_cluster import binaries, cluster, platform, standing
from legato_cluster.problems import NoCluster, NotStarted


def build() -> int:
    """Build the programs; where that can't be, say why, which is a failure in CI alone."""
    began = time.monotonic()
    try:
        where = binaries.folder(_say)
        binaries.built(binaries.PROMETHEUS, _say)
    except NoCluster as missing:
        return _left_out("The tests on Kubernetes", missing)
    print(f"Kubernetes {binaries.kubernetes_version()}: {time.monotonic() - began:.0f} s, {where}")
    return build_machines()


def build_machines() -> int:
    """Build what machines run too, or say why not."""
    began = time.monotonic()
    try:
        cluster.programs(_say)
    except NoCluster as missing:
        return _left_out("The tests on machines", missing)
    print(f"Machines: {time.monotonic() - began:.0f} s")
    return 0


def image() -> int:
    """Build Legato's image, which machines run, or say why not."""
    try:
        cluster.programs(_say)
        print(f"Legato's image: {platform.image()}")
    except (NoCluster, NotStarted) as missing:
        return _left_out("The tests on machines", missing)
    return 0


def _left_out(tests: str, missing: Exception) -> int:
    print(f"{tests} are left out: {missing}")
    return int(bool(os.environ.get("CI")))


def _say(line: str) -> None:
    print(line, flush=True)


def main(words: list[str]) -> int:
    """Do what the first word says; what can't be had or does not start is told in a sentence."""
    try:
        return _do(words)
    except (NoCluster, NotStarted) as missing:
        print(missing)
        return 1


def _do(words: list[str]) -> int:
    match words:
        case ["build"]:
            return build()
        case ["image"]:
            return image()
        case ["up"]:
            return standing.up(standing.folder())
        case ["up", machines] if machines.isdecimal():
            return standing.up(standing.folder(), int(machines))
        case ["down"]:
            return standing.down(standing.folder())
        case ["keep", place, machines]:
            return standing.keep(Path(place), int(machines))
        case _:
            print("usage: python -m legato_cluster build | image | up [MACHINES] | down")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
