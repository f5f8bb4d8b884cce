"""The benchmarks by name, in the order in which they run; imported only when asked for."""

import importlib
import pathlib
import sys

from benchmarks.measured import Benchmark

ROOT = pathlib.Path(__file__).parents[1]
NAMES = (
    "player",
    "commits",
    "gateway",
    "node",
    "sessions",
    "listener",
    "commands",
    "takeovers",
    "gaps",
    "start",
    "operating",
    "pods",
)
NAMED = frozenset({"operating", "pods"})
"""Only measured when named: they need a Kubernetes, whose programs take minutes to build once."""


def load(name: str) -> Benchmark:
    """Import a benchmark; it may use the tests' helpers."""
    support = str(ROOT / "tests" / "support")
    if support not in sys.path:
        sys.path.insert(0, support)
    found = importlib.import_module(f"benchmarks.{name}").BENCHMARK
    if not isinstance(found, Benchmark):
        raise TypeError(f"benchmarks/{name}.py has no BENCHMARK")
    return found
