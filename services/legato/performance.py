"""What this process uses and how long its operations take; from the kernel and the metrics."""

import gc
import itertools
import os
import pathlib
import resource
import sys
import threading
import time

import msgspec
from prometheus_client import CollectorRegistry, Metric

from legato.loop_lag import LoopLag


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """How late the event loop was in the last ten seconds, in ms."""

    p50_ms: float
    p99_ms: float
    max_ms: float


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """How long one kind of operation takes; percentiles estimated from the histogram's buckets."""

    count: int
    mean_ms: float
    p50_ms: float
    p99_ms: float


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """The body of /performance."""

    uptime_seconds: float
    cpu_seconds: float
    resident_bytes: int
    open_files: int
    threads: int
    gc_collections: tuple[int, ...]
    event_loop: Lag
    operations: dict[str, Operation]


def measure(registry: CollectorRegistry, lag: LoopLag, *, started: float) -> Performance:
    """Take one look; `started` is on the monotonic clock."""
    return Performance(
        uptime_seconds=round(time.monotonic() - started, 1),
        cpu_seconds=round(time.process_time(), 3),
        resident_bytes=_resident(),
        open_files=_open_files(),
        threads=threading.active_count(),
        gc_collections=tuple(generation["collections"] for generation in gc.get_stats()),
        event_loop=Lag(
            p50_ms=_ms(lag.percentile(0.5)),
            p99_ms=_ms(lag.percentile(0.99)),
            max_ms=_ms(lag.percentile(1)),
        ),
        operations=operations(registry),
    )


def operations(registry: CollectorRegistry) -> dict[str, Operation]:
    """Return what each histogram in seconds says, by its name and labels."""
    found: dict[str, Operation] = {}
    for family in registry.collect():
        if family.type == "histogram" and family.name.endswith("_seconds"):
            found |= _of_family(family)
    return found


def _of_family(family: Metric) -> dict[str, Operation]:
    buckets: dict[str, list[tuple[float, float]]] = {}
    sums: dict[str, float] = {}
    for sample in family.samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        name = family.name + "".join(f" {key}={value}" for key, value in sorted(labels.items()))
        if sample.name.endswith("_bucket"):
            buckets.setdefault(name, []).append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_sum"):
            sums[name] = sample.value
    return {
        name: _operation(counts, sums.get(name, 0.0))
        for name, counts in buckets.items()
        if counts[-1][1]
    }


def _operation(buckets: list[tuple[float, float]], total: float) -> Operation:
    count = int(buckets[-1][1])
    return Operation(
        count=count,
        mean_ms=_ms(total / count),
        p50_ms=_ms(_quantile(buckets, 0.5)),
        p99_ms=_ms(_quantile(buckets, 0.99)),
    )


def _quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """Interpolate inside the bucket, as Prometheus's histogram_quantile does."""
    wanted = share * buckets[-1][1]
    for (low, before), (high, until) in itertools.pairwise([(0.0, 0.0), *buckets]):
        if until >= wanted:
            if high == float("inf") or until == before:
                return low
            return low + (high - low) * (wanted - before) / (until - before)
    return buckets[-1][0]


def _resident() -> int:
    statm = pathlib.Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _open_files() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        if pathlib.Path(folder).is_dir():
            return len(os.listdir(folder))  # noqa: PTH208 - counts, needs no paths
    return 0


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
