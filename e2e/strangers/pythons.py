"""Finds a Python of 3.12 or later, or has uv bring one; knows no client."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

BROUGHT = "3.13"
"""What uv is asked for where none is found."""
PATIENCE = 300
"""Seconds for a download."""


class NoPython(Exception):
    """None is there and none could be brought: says what to install."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "sonolink asks for Python 3.12 or later. None is on the path (python3.12 and later), "
            f"in pyenv or among uv's, and `uv python install {BROUGHT}` failed: {why}. "
            f"Install one (`pyenv install {BROUGHT}`, or the system's python{BROUGHT}), "
            "and run the tests again."
        )


def newer(environment: Mapping[str, str]) -> Path:
    """Find one, or let uv download it into the user's cache; raises NoPython."""
    return found(environment) or _brought(environment)


def found(environment: Mapping[str, str]) -> Path | None:
    """Find one: this one, on the path, in pyenv, among uv's, or brought before."""
    return next((each for each in _candidates(environment) if _is_new(each)), None)


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    yield Path(sys.executable)
    for place in environment.get("PATH", "").split(os.pathsep):
        yield from _newest_first(Path(place).glob("python3.*"))
    home = Path(environment.get("HOME", "/"))
    pyenv = Path(environment.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    for folder in (pyenv, home / ".local" / "share" / "uv" / "python", _kept(environment)):
        yield from _newest_first(folder.glob("*/bin/python3"))


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    """Sort by the numbers in them; python3.12-config is none."""
    named = (each for each in paths if not each.name.endswith("-config"))
    return sorted(named, key=_numbers, reverse=True)


def _numbers(path: Path) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", str(path))]


def _is_new(candidate: Path) -> bool:
    """Ask a Python for its version: a name alone may lead nowhere."""
    asked = "import sys; raise SystemExit(sys.version_info < (3, 12))"
    try:
        done = subprocess.run(
            [candidate, "-c", asked], check=False, capture_output=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _kept(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME", "/")) / ".cache" / "legato" / "python"


def _brought(environment: Mapping[str, str]) -> Path:
    uv = str(Path(sys.executable).with_name("uv"))
    into = {**environment, "UV_PYTHON_INSTALL_DIR": str(_kept(environment))}
    command = [uv, "python", "install", "--no-bin", "--quiet", BROUGHT]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=PATIENCE, env=into
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPython(str(error)) from error
    python = found(environment)
    if python is None:
        raise NoPython(" ".join(done.stderr.split())[-300:] or "it brought none")
    return python
