"""Node's witnesses: installed once per lock file, outside the checkout."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

WITNESSES = Path(__file__).parents[2] / "e2e" / "witnesses"


def missing(text: str) -> None:
    """Skip where a person runs the tests, fail where a machine must not leave any out."""
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def node() -> str:
    """Find Node."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        missing("node and npm are not installed, so the JavaScript witnesses are left out")
    return str(found)


def modules(source: Path = WITNESSES) -> Path:
    """Install what a folder's package-lock.json pins, and give the one that holds node_modules."""
    version = subprocess.run([node(), "--version"], capture_output=True, check=True).stdout
    lock = (source / "package-lock.json").read_bytes()
    key = hashlib.sha256(lock + version).hexdigest()[:16]
    folder = Path.home() / ".cache" / "legato" / source.name / key
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            _install(source, folder)
            (folder / "installed").touch()
    return folder


def _install(source: Path, folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        missing(f"npm could not install the JavaScript witnesses: {done.stderr[-500:]}")
