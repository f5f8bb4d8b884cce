"""One benchmark in a process of its own: `python -m benchmarks.one NAME FILE SECONDS [--quick]`.

What it measures goes into the file, as JSON; it ends itself, orderly, when its time is over.
"""

import asyncio
import pathlib
import sys

import msgspec

from benchmarks import catalogue
from benchmarks.measured import Benchmark, Measured
from legato import telemetry
from legato.settings import Common

LATE = "it took longer than it may"


async def measure(benchmark: Benchmark, limit: float, *, quick: bool) -> Measured:
    """Measure within so many seconds."""
    async with asyncio.timeout(limit):
        return await benchmark.measure(quick)


def main() -> int:
    """Measure what the command line names."""
    name, file, limit, *options = sys.argv[1:]
    telemetry.set_up(Common())  # as the services do: what is only for debugging is not written
    benchmark = catalogue.load(name)
    try:
        measured = asyncio.run(measure(benchmark, float(limit), quick="--quick" in options))
    except TimeoutError:
        print(LATE, file=sys.stderr)
        return 1
    pathlib.Path(file).write_bytes(msgspec.json.encode(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
