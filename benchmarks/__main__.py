"""`python -m benchmarks [NAME…]`: measures, prints the tables, writes benchmarks/RESULTS.md."""

import contextlib
import datetime as dt
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import click
import msgspec

from benchmarks import catalogue, machine, one, results
from benchmarks.measured import Measured
from benchmarks.results import Run, Section

PAGE = catalogue.ROOT / "benchmarks" / "RESULTS.md"
ENDING = 60
"""Seconds that a benchmark may take to end what it started."""
WHOLE, WHOLE_QUICK = 13 * 60, 6 * 60
"""Seconds that a whole run may take, however busy the machine."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(catalogue.NAMES), metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="Measure for moments only; writes no page by itself.")
@click.option("--list", "listed", is_flag=True, help="Say what there is to measure.")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    help="The page to write; default: benchmarks/RESULTS.md, with --quick none.",
)
def main(names: tuple[str, ...], quick: bool, listed: bool, to: pathlib.Path | None) -> None:
    """Measure everything that needs no Kubernetes, or what is named."""
    if listed:
        for name in catalogue.NAMES:
            click.echo(f"{name:10} {catalogue.load(name).shows}")
        return
    page = to or (None if quick else PAGE)
    sections, until = [], time.monotonic() + (WHOLE_QUICK if quick else WHOLE)
    for name in _chosen(names):
        click.echo(f"measuring {name} …", err=True)
        sections.append(_measured(name, _run(quick=quick), until))
        click.echo(results.plain(sections[-1]) + "\n")
        if page is not None:
            before = page.read_text() if page.exists() else ""
            page.write_text(results.render(before, sections[-1:], names=catalogue.NAMES))
    sys.exit(any(section.measured is None for section in sections))


def _chosen(names: Sequence[str]) -> list[str]:
    """List what is named, else all that needs not be named."""
    usual = [each for each in catalogue.NAMES if each not in catalogue.NAMED]
    return [each for each in catalogue.NAMES if each in (names or usual)]


def _run(*, quick: bool) -> Run:
    return Run(
        at=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=machine.describe(),
        cores=machine.cores(),
        load=machine.load(),
        quick=quick,
    )


def _measured(name: str, run: Run, until: float) -> Section:
    benchmark, began = catalogue.load(name), time.monotonic()
    limit = min(benchmark.quick_limit if run.quick else benchmark.limit, until - began)
    if limit < 1:
        return Section(name, benchmark.shows, run, 0.0, 0.0, None, "the whole run's time was over")
    before = machine.spent_by_others()
    with tempfile.TemporaryDirectory(prefix="legato-bench-") as folder:
        file = pathlib.Path(folder) / "measured.json"
        log = pathlib.Path(folder) / "log.txt"
        failure = _process(name, file, log, limit, quick=run.quick)
        found = None if failure else msgspec.json.decode(file.read_bytes(), type=Measured)
    took = time.monotonic() - began
    others = max(0.0, machine.spent_by_others() - before) / took
    return Section(name, benchmark.shows, run, took, others, found, failure)


def _process(name: str, file: pathlib.Path, log: pathlib.Path, limit: float, *, quick: bool) -> str:
    """Run it as a process and return why it failed, if it did."""
    command = [sys.executable, "-m", "benchmarks.one", name, str(file), str(limit)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command + ["--quick"] * quick,
            cwd=catalogue.ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(limit + ENDING)
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as ended:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(ENDING)
            code = 1
            if isinstance(ended, KeyboardInterrupt):
                raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    words = log.read_text(errors="replace").strip().splitlines()
    if code and words:
        click.echo("\n".join(words[-30:]), err=True)
    if code == 0:
        return ""
    late = [one.LATE] if one.LATE in words else []
    errors = [line.strip(" |") for line in words if "Error" in line]
    return (late or errors[-1:] or words[-1:] or [f"it ended with {code}"])[0]


if __name__ == "__main__":
    main()
