"""Services in one event loop, from the builders that each uses alone; and single jobs."""

import asyncio
import gc
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence

from legato import faults, lifecycle, settings, telemetry

SELDOM = 20_000
"""Objects made and not freed before the newest are looked through, which takes a millisecond."""


class UnknownJob(Exception):
    """The worker has no job of that name."""


def load(names: Sequence[str], environ: Mapping[str, str]) -> dict[str, settings.Common]:
    """Read the settings of services; raises WrongSettings with the faults of all of them."""
    loaded: dict[str, settings.Common] = {}
    wrong: list[settings.WrongSettings] = []
    for name in names:
        try:
            loaded[name] = settings.load(_struct(name), environ)
        except settings.WrongSettings as error:
            wrong.append(error)
    if wrong:
        raise settings.WrongSettings.merged(wrong)
    return loaded


def names_of_settings(names: Sequence[str]) -> set[str]:
    """Name every setting that these services read."""
    return {field.upper() for name in names for field in _struct(name).__struct_fields__}


def _struct(name: str) -> type[settings.Common]:
    module = importlib.import_module(f"legato.{name}.settings")
    found: type[settings.Common] = module.NodeSettings if name == "node" else module.Settings
    return found


def run(names: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run services until a signal; only those asked for are imported."""
    loaded = load(names, environ)
    first = loaded[names[0]]
    telemetry.set_up(first)
    apps = [
        importlib.import_module(f"legato.{name}.app").build(found) for name, found in loaded.items()
    ]
    keep_for_good()
    asyncio.run(lifecycle.run(*apps, stop_timeout=first.stop_timeout))


def keep_for_good() -> None:
    """Tell the garbage collector that what is there now stays, and to look at the rest seldom.

    Going through modules, classes and settings again held each service's event loop up for 100 ms
    every few seconds, and looking at what hundreds of commands under way hold took a gateway a
    fifth of its core.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(SELDOM, 10, 10)


def alone(name: str, environ: Mapping[str, str]) -> int:
    """Run one service; returns the exit code, with a sentence for what a person can mend."""
    try:
        run([name], environ)
    except Exception as error:  # an edge: what is no known fault goes on as it is
        found = faults.explain(error)
        if found is None:
            raise
        sys.stderr.write(f"{found.sentence}\n")
        return found.exit_code
    return 0


def run_job(name: str, environ: Mapping[str, str], *, progress: Callable[[str], None]) -> str:
    """Run one of the worker's jobs once; return what came of it. UnknownJob lists the names."""
    found = load(["worker"], environ)["worker"]
    jobs: Mapping[str, object] = importlib.import_module("legato.worker.jobs").JOBS
    if name not in jobs:
        raise UnknownJob(f"There is no job {name}. Jobs are: {', '.join(sorted(jobs))}.")
    telemetry.set_up(found)
    app = importlib.import_module("legato.worker.app")
    return str(asyncio.run(app.run_job(found, name, progress=progress)))
