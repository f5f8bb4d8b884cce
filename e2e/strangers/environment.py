"""A Python of its own for strangers' clients, installed once per lock file, in the user's cache."""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parent / "requirements.lock"


def installed(base: Path) -> Path:
    """Install what requirements.lock pins for a Python; raises CalledProcessError."""
    version = subprocess.run([base, "-VV"], capture_output=True, check=True).stdout
    key = hashlib.sha256(LOCK.read_bytes() + version).hexdigest()[:16]
    folder = Path.home() / ".cache" / "legato" / "strangers-python" / key
    folder.mkdir(parents=True, exist_ok=True)
    interpreter = folder / "environment" / "bin" / "python"
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            _install(base, folder / "environment")
            (folder / "installed").touch()
    return interpreter


def _install(base: Path, environment: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    _run([uv, "venv", "--quiet", "--clear", "--python", str(base), str(environment)])
    options = ["--require-hashes", "--only-binary", ":all:", "--quiet", "-r", str(LOCK)]
    _run([uv, "pip", "install", "--python", str(environment / "bin" / "python"), *options])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, timeout=300, env={**_index(), **os.environ})


def _index() -> dict[str, str]:
    """Name the index that pip is configured for: uv reads none of pip's settings."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    done = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=60)
    found = done.stdout.strip()
    return {"UV_DEFAULT_INDEX": found} if done.returncode == 0 and found else {}
