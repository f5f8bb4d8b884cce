"""Where Go is: the machine's own, or, where that lacks or is too old, one that a wheel carries."""

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from legato_cluster.problems import NoCluster

LOCK = Path(__file__).parent / "modules" / "go.lock"
USUAL = "/usr/local/go/bin/go"
"""Where Go's own installer puts it, which is in few PATHs."""


def program(oldest: tuple[int, int]) -> str:
    """Find a Go that is new enough, or fetch one; NoCluster says why there is none."""
    found = shutil.which("go") or shutil.which(USUAL)
    return found if found and version(found) >= oldest else _carried()


def version(program: str) -> tuple[int, int]:
    """Ask a Go for its version; 0.0 where it is no release."""
    done = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    said = re.search(r"\bgo(\d+)\.(\d+)", done.stdout)
    return (int(said[1]), int(said[2])) if said else (0, 0)


def _carried() -> str:
    place = Path.home() / ".cache" / "legato" / "go" / _key()
    place.mkdir(parents=True, exist_ok=True)
    found = place / "go" / "bin" / "go"
    with (place / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not found.exists():
            _fetch(place)
    return str(found)


def _key() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]


def _fetch(place: Path) -> None:
    fresh = place / "new"
    shutil.rmtree(fresh, ignore_errors=True)
    words = ("install", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes")
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--target", str(fresh), "--requirement", str(LOCK)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoCluster(
            "Kubernetes is built from source here; Go is not installed or too old, and"
            f" could not be fetched: {done.stderr.strip()[-1500:]}"
        )
    for tool in (*(fresh / "go/bin").iterdir(), *(fresh / "go/pkg/tool").rglob("*")):
        tool.chmod(0o755)
    (fresh / "go").rename(place / "go")
    shutil.rmtree(fresh)
