"""Runs every test stage in order and ends with a table of times and the sum of all results.

Each stage's output goes to the terminal and to ./artifacts. In CI (CI=true) a skip is a failure.
"""

import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from xml.etree import ElementTree as ET

ROOT = pathlib.Path(__file__).parents[1]
ARTIFACTS = ROOT / "artifacts"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-o", "faulthandler_timeout=300")
BESIDE = ("-n", "2", "--dist", "loadfile")
"""Two modules side by side."""
LIMIT = 45 * 60
"""Seconds a stage may take."""
MACHINES = "e2e/cluster/machines"
BUDGETS = {
    "check": (4, ("check",)),
    "builds": (14, ("build", "image")),
    "unit": (8, ("unit",)),
    "node": (8, ("node",)),
    "clusters": (22, ("cluster", "machines")),
    "one machine": (15, ("conformance", "scenarios", "alone")),
}
"""Minutes that stages may take together on two cores; what takes more is marked."""
PROGRAMS = {"chromium": "chromium", "npm": "npm"}
"""What the tests need of the system: a program, and the Debian package that brings it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """One step: a command, and whether it is pytest (whose results are counted)."""

    name: str
    command: Sequence[str]
    counted: bool = False

    @property
    def file(self) -> pathlib.Path:
        """Return where it writes, without the ending."""
        return ARTIFACTS / self.name.replace(" ", "-")


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What came of a stage."""

    stage: Stage
    code: int
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """Say it in a word."""
        return "failed" if self.code else "ok"


def stages() -> list[Stage]:
    """List the stages in their order."""
    scenarios = ("e2e", "--ignore=e2e/conformance", "--ignore=e2e/cluster", "-m")
    return [
        Stage("check", ("make", "--no-print-directory", "check")),
        # Kubernetes from source: minutes at the first run, so alone and before anything timed.
        Stage("build", (sys.executable, "-m", "legato_cluster", "build")),
        Stage("image", (sys.executable, "-m", "legato_cluster", "image")),
        tests("unit", *BESIDE, "tests", "--ignore=tests/services/node"),
        # Timing matters in the node's tests, and where a scenario says so: nothing runs beside.
        tests("node", "tests/services/node"),
        # In their order: the longest are not those with the most tests.
        tests("cluster", *BESIDE, "--no-loadscope-reorder", "e2e/cluster", f"--ignore={MACHINES}"),
        tests("machines", MACHINES),
        tests("conformance", "e2e/conformance"),
        tests("scenarios", *BESIDE, *scenarios, "not alone and not stress"),
        tests("alone", *scenarios, "alone and not stress"),
    ]


def tests(name: str, *options: str) -> Stage:
    """Make a stage of tests."""
    return Stage(name, (*PYTEST, *options), counted=True)


def run(stage: Stage) -> Result:
    """Run one stage, show and keep its output, and count."""
    print(f"\n=== {stage.name}", flush=True)
    began = time.monotonic()
    report = stage.file.with_suffix(".xml")
    command = (*stage.command, f"--junit-xml={report}") if stage.counted else stage.command
    code = stream(command, stage.file.with_suffix(".log"))
    seconds = time.monotonic() - began
    if not stage.counted:
        return Result(stage, code, seconds)
    passed, failed, skipped = count(report)
    return Result(stage, code, seconds, passed, failed or int(code != 0), skipped)


def stream(command: Sequence[str], log: pathlib.Path) -> int:
    """Run a command, its output to the terminal and a file; nothing of it stays behind."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        assert process.stdout
        previous = signal.signal(signal.SIGALRM, lambda *_: end(process))
        signal.alarm(LIMIT)
        try:
            for line in process.stdout:
                file.write(line)
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
            return process.wait()
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, previous)
            end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End what is left of a stage."""
    try:
        os.killpg(process.pid, signal.SIGTERM if process.poll() is None else signal.SIGKILL)
    except ProcessLookupError:
        return


def count(report: pathlib.Path) -> tuple[int, int, tuple[str, ...]]:
    """Read how many passed and failed, and which were skipped."""
    if not report.exists():
        return 0, 0, ()
    passed, failed, skipped = 0, 0, []
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 (our own file)
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif (skip := case.find("skipped")) is not None:
            skipped.append(f"{case.get('classname')}: {skip.get('message')}")
        else:
            passed += 1
    return passed, failed, tuple(skipped)


def prepare() -> None:
    """Install what the tests need of the system, or say what to install."""
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    if not missing:
        return
    if os.getuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {', '.join(missing)}", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False, stdin=subprocess.DEVNULL)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            check=False,
        )
    else:
        print(f"Some tests will be skipped; for them install: {' '.join(missing)}", flush=True)


def spent(results: Sequence[Result]) -> list[tuple[str, float, int]]:
    """Add up what has a budget: its name, the minutes it took, and those it may take."""
    seconds = {one.stage.name: one.seconds for one in results}
    return [
        (name, sum(seconds.get(stage, 0.0) for stage in together) / 60, budget)
        for name, (budget, together) in BUDGETS.items()
    ]


def show(results: Sequence[Result], *, strict: bool) -> int:
    """Print the table, the skips and the sum; return the exit code."""
    print(f"\n{'stage':<12}{'result':<9}{'passed':>8}{'failed':>8}{'skipped':>9}{'time':>10}")
    for one in results:
        counts = f"{one.passed:>8}{one.failed:>8}{len(one.skipped):>9}"
        shown = counts if one.stage.counted else " " * 25
        print(f"{one.stage.name:<12}{one.word:<9}{shown}{one.seconds:>8.1f} s")
    print(f"\n{'together':<12}{'minutes':>8}{'budget':>8}")
    for name, minutes, budget in spent(results):
        print(f"{name:<12}{minutes:>8.1f}{budget:>8}{'  OVER' if minutes > budget else ''}")
    skipped = [line for one in results for line in one.skipped]
    for line in skipped:
        print(f"skipped: {line}")
    if skipped and strict:
        print("Skips count as failures here (CI is set).")
    passed = sum(one.passed for one in results)
    # A stage that is no list of tests (check) and fails is one failure.
    failed = sum(one.failed if one.stage.counted else int(one.code != 0) for one in results)
    print(f"\n{passed} passed, {failed} failed, {len(skipped)} skipped", flush=True)
    return int(failed > 0 or any(one.code for one in results) or (strict and bool(skipped)))


def main() -> int:
    """Run everything that is there to run."""
    shutil.rmtree(ARTIFACTS, ignore_errors=True)
    ARTIFACTS.mkdir()
    prepare()
    return show([run(stage) for stage in stages()], strict=bool(os.environ.get("CI")))


if __name__ == "__main__":
    sys.exit(main())
