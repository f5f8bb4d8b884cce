"""Where the core time goes, by library: cProfile, with builtins' time given to their callers."""

import cProfile
import pathlib
import pstats
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

LIBRARIES: Final = {
    "redis": "redis-py",
    "asyncio": "asyncio",
    "opentelemetry": "OpenTelemetry",
    "structlog": "structlog",
    "prometheus_client": "prometheus_client",
    "legato": "Legato",
    "hikari": "hikari",
    "aiohttp": "aiohttp",
}


def shares(profiler: cProfile.Profile, *, least: float = 0.01) -> list[str]:
    """List the libraries by their share of the core time, then the functions that take most."""
    found: defaultdict[str, float] = defaultdict(float)
    functions: defaultdict[str, float] = defaultdict(float)
    entries: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    entries = pstats.Stats(profiler).stats  # type: ignore[attr-defined]  # typeshed hides it
    for (file, line, name), (_, _, own, _, callers) in entries.items():
        if file == "~" and isinstance(callers, dict):
            for (caller, *_), (_, _, taken, _) in callers.items():
                found[_library(caller)] += taken
        else:
            found[_library(file)] += own
        where = name if file == "~" else f"{_library(file)} {pathlib.Path(file).name}:{line} {name}"
        functions[where] += own
    total = sum(found.values())
    kept = {name: took for name, took in found.items() if took >= least * total}
    return [*_listed(kept, total), "single functions:", *_listed(functions, total)[:6]]


def _listed(found: Mapping[str, float], total: float) -> list[str]:
    ordered = sorted(found.items(), key=lambda pair: -pair[1])
    return [f"  {took / total:6.1%}  {name}" for name, took in ordered]


def _library(file: str) -> str:
    parts = pathlib.PurePath(file).parts
    if "site-packages" in parts:
        parts = parts[parts.index("site-packages") + 1 :]
    return next((LIBRARIES[part] for part in parts if part in LIBRARIES), "other")
