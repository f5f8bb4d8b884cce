"""Shows that each rule of ownership has a test that fails without it: breaks it, runs the test.

Reads tests/mutations.toml. Works in a copy of the checkout, so that the checkout stays as it
is. A mutation that no test notices, or whose text is no longer there, is a failure.
"""

import argparse
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence

ROOT = pathlib.Path(__file__).parents[1]
LIST = pathlib.Path("tests/mutations.toml")
LIMIT = 300
"""Seconds a test may take without its rule; one that hangs has noticed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Mutation:
    """A rule, how it is broken, and the tests that must notice."""

    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def broken(self, source: str) -> str | None:
        """Return a file's text without the rule; None where the text to break is not there once."""
        return source.replace(self.old, self.new) if source.count(self.old) == 1 else None


def listed(names: Sequence[str]) -> list[Mutation]:
    """Read the mutations whose rule has one of the names in it; no names: all."""
    raw = tomllib.loads((ROOT / LIST).read_text())["mutation"]
    found = [Mutation(**{**one, "tests": tuple(one["tests"])}) for one in raw]
    return [one for one in found if not names or any(name in one.rule for name in names)]


def copied(to: pathlib.Path) -> None:
    """Copy what git does not ignore, as it is now."""
    tracked = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def run(copy: pathlib.Path, tests: Iterable[str]) -> int | None:
    """Run tests in the copy; return pytest's exit code, None when they hung."""
    command = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider")
    source = os.pathsep.join(str(copy / name) for name in ("services", "e2e"))
    environment = {**os.environ, "PYTHONPATH": source}
    try:
        done = subprocess.run(
            (*command, *tests),
            cwd=copy,
            env=environment,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.returncode


def verdict(copy: pathlib.Path, mutation: Mutation) -> str:
    """Break a rule in the copy and say what its tests made of it; "" is as it should be."""
    file = copy / mutation.file
    source = file.read_text()
    broken = mutation.broken(source)
    if broken is None:
        return f"its text is not in {mutation.file} exactly once"
    file.write_text(broken)
    try:
        code = run(copy, mutation.tests)
    finally:
        file.write_text(source)
    match code:
        case None | 1:
            return ""
        case 0:
            return "no test fails without it"
        case _:
            return f"pytest could not run its tests (exit code {code})"


def main() -> int:
    """Try every mutation that is asked for; return 1 where one went unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rule", nargs="*", help="parts of the names of rules; none: all")
    wanted = listed(parser.parse_args().rule)
    with tempfile.TemporaryDirectory(prefix="legato-mutation-") as folder:
        copy = pathlib.Path(folder)
        copied(copy)
        tests = sorted({test for mutation in wanted for test in mutation.tests})
        if code := run(copy, tests):
            print(f"The tests fail before anything is broken (exit code {code}).")
            return 1
        told = [_told(copy, mutation) for mutation in wanted]
        return int(not all(told))


def _told(copy: pathlib.Path, mutation: Mutation) -> bool:
    why = verdict(copy, mutation)
    print(f"{'noticed' if not why else 'UNNOTICED':<10} {mutation.rule}{why and ': ' + why}")
    sys.stdout.flush()
    return not why


if __name__ == "__main__":
    sys.exit(main())
