"""A Python of its own for strangers' clients, installed once per lock file, in the user's cache."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parent / "requirements.lock"
NEWEST = 20
"""The latest Python 3 that is looked for."""


def python() -> Path | None:
    """Find a Python of 3.12 or later, which one of the clients asks for; else give none."""
    places = [Path.home() / ".pyenv" / "versions"]
    named = [shutil.which(f"python3.{minor}") for minor in range(NEWEST, 11, -1)]
    found = [Path(each) for each in (sys.executable, *named) if each]
    found += [each / "bin" / "python" for place in places for each in sorted(place.glob("3.*"))]
    return next((each for each in found if _is_new(each)), None)


def _is_new(candidate: Path) -> bool:
    """Ask a Python for its version: a name alone may lead nowhere."""
    asked = "import sys, venv; raise SystemExit(sys.version_info < (3, 12))"
    try:
        done = subprocess.run(
            [candidate, "-c", asked], check=False, capture_output=True, timeout=60
        )
    except OSError:
        return False
    return done.returncode == 0


def installed() -> Path:
    """Install what requirements.lock pins, and give the interpreter; raises CalledProcessError."""
    base = python() or Path(sys.executable)
    version = subprocess.run([base, "-VV"], capture_output=True, check=True).stdout
    key = hashlib.sha256(LOCK.read_bytes() + version).hexdigest()[:16]
    folder = Path.home() / ".cache" / "legato" / "strangers-python" / key
    folder.mkdir(parents=True, exist_ok=True)
    interpreter = folder / "environment" / "bin" / "python"
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            uv = [str(Path(sys.executable).with_name("uv"))]
            _run(
                [
                    *uv,
                    "venv",
                    "--quiet",
                    "--clear",
                    "--python",
                    str(base),
                    str(folder / "environment"),
                ]
            )
            options = ["--require-hashes", "--only-binary", ":all:", "--quiet"]
            _run([*uv, "pip", "install", "--python", str(interpreter), *options, "-r", str(LOCK)])
            (folder / "installed").touch()
    return interpreter


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, timeout=300, env={**_index(), **os.environ})


def _index() -> dict[str, str]:
    """Name the index that pip is configured for: uv reads none of pip's settings."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    done = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=60)
    found = done.stdout.strip()
    return {"UV_DEFAULT_INDEX": found} if done.returncode == 0 and found else {}
