"""Builds images without an engine: `tools/images.py [COMPONENT…]` prints each archive's path.

An archive is an OCI one, for `ctr images import`. It is kept outside the checkout under a key made
of all it is built from. Needs Linux, root, buildah and debootstrap, and installs the two where
apt-get is. With Docker there is nothing to do here: see images/legato/Dockerfile.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

ROOT = pathlib.Path(__file__).parents[1]
PLACE = pathlib.Path.home() / ".cache" / "legato" / "images"
COMPONENTS = ("gateway", "audio", "api", "worker", "node", "operator", "simulator", "all")
SOURCES = (
    "pyproject.toml",
    "requirements.lock",
    "README.md",
    "LICENSE",
    ".dockerignore",
    "tools/locked.py",
    "tools/uv.lock",
    "images/legato",
    "services/legato",
    "operator/legato_operator",
    "e2e/legato_simulator",
)
"""What an image is made of; .dockerignore names the same."""
SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
NEEDLESS = ("doc", "man", "locale", "info")
"""Folders of /usr/share."""
TAG = "test"
KEPT = 3
"""Archives of a component that stay, the newest."""


class Failed(Exception):
    """An image can't be built here; the text says why in a sentence."""


def main(words: Sequence[str]) -> int:
    """Build what is asked for; `all`, the one for tests, where nothing is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("components", nargs="*", metavar="COMPONENT", help=", ".join(COMPONENTS))
    components = parser.parse_args(words).components or ["all"]
    if wrong := set(components) - set(COMPONENTS):
        parser.error(f"there is no {', '.join(sorted(wrong))}; there are {', '.join(COMPONENTS)}")
    try:
        for component in components:
            print(archive(component))
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def archive(component: str) -> pathlib.Path:
    """Give a component's archive, built if it is not there yet."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        made = PLACE / f"legato-{component}-{key(component)}.tar"
        if not made.exists():
            _needs()
            _build(component, made)
        return made


def key(component: str) -> str:
    """Name what an image is made of."""
    found = hashlib.sha256(f"{component} {base_key()}".encode())
    for source in SOURCES:
        for path in sorted((ROOT / source).rglob("*")) or [ROOT / source]:
            if path.is_file() and "__pycache__" not in path.parts:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                found.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return found.hexdigest()[:16]


def base_key() -> str:
    """Name what the base is made of; its Debian packages may be newer on another day."""
    said = [SUITE, *PACKAGES, *NEEDLESS, (ROOT / "images/base/Dockerfile").read_text()]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:16]


def name(component: str) -> str:
    """Say what a pod calls the image: legato:test, or legato-gateway:test."""
    return f"docker.io/library/legato{'' if component == 'all' else f'-{component}'}:{TAG}"


def _build(component: str, made: pathlib.Path) -> None:
    began = time.monotonic()
    base = _base()
    image = f"localhost/legato-{component}:{made.stem.rpartition('-')[2]}"
    arguments = {"BASE": base, "COMPONENT": component}
    with _secrets() as secrets:
        _buildah(
            *("build", "--layers", "--isolation", "chroot", "--network", "host", *secrets),
            *(f"--build-arg={key}={value}" for key, value in arguments.items()),
            *("--format", "oci", "-f", "images/legato/Dockerfile", "-t", image, "."),
        )
    fresh = made.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    _buildah("push", image, f"oci-archive:{fresh}:{name(component)}")
    fresh.rename(made)
    _forget_old(component)
    size = made.stat().st_size >> 20
    _say(f"built {made.name} in {time.monotonic() - began:.0f} s ({size} MB)")


def _forget_old(component: str) -> None:
    """Remove all but the newest archives of a component, with their images in buildah's store."""
    found = PLACE.glob(f"legato-{component}-*.tar")
    for old in sorted(found, key=lambda one: one.stat().st_mtime)[:-KEPT]:
        old.unlink()
        image = f"localhost/legato-{component}:{old.stem.rpartition('-')[2]}"
        subprocess.run(_command("rmi", image), capture_output=True, check=False)


def _base() -> str:
    """Give the name of the base in buildah's store, made if it is not there yet."""
    image = f"localhost/legato-base:{base_key()}"
    known = subprocess.run(
        _command("inspect", "--type", "image", image), capture_output=True, check=False
    )
    if known.returncode:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=PLACE) as folder:
            _debian(pathlib.Path(folder))
            _buildah(
                "build", "--format", "oci", "-t", image, "-f", "images/base/Dockerfile", folder
            )
        _say(f"built the base in {time.monotonic() - began:.0f} s")
    return image


def _debian(folder: pathlib.Path) -> None:
    root = folder / "root"
    included = f"--include={','.join(PACKAGES)}"
    _run("debootstrap", "--variant=minbase", included, SUITE, str(root), *_mirror())
    needless = [root / "usr/share" / one for one in NEEDLESS]
    needless += [root / "var/cache/apt", root / "var/lib/apt/lists", *root.rglob("__pycache__")]
    for one in needless:
        shutil.rmtree(one, ignore_errors=True)
    _run("tar", "-C", str(root), "--numeric-owner", "-cf", str(folder / "root.tar"), ".")
    shutil.rmtree(root)


def _mirror() -> list[str]:
    """Find where this machine gets its Debian packages; debootstrap's own choice elsewhere."""
    for path in sorted(pathlib.Path("/etc/apt").glob("sources.list*")):
        for source in [path, *sorted(path.glob("*"))] if path.is_dir() else [path]:
            words = source.read_text().split() if source.is_file() else []
            for word in words:
                if word.startswith("http") and word.rstrip("/").endswith("/debian"):
                    return [word]
    return []


@contextlib.contextmanager
def _secrets() -> Iterator[list[str]]:
    """Pass what this machine's network needs to install packages, so that no image keeps it."""
    with tempfile.TemporaryDirectory() as folder:
        index = pathlib.Path(folder, "index")
        index.write_text(os.environ.get("UV_DEFAULT_INDEX") or _pip("global.index-url"))
        bundle = os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt"
        if not pathlib.Path(bundle).is_file():
            bundle = os.devnull
        yield [f"--secret=id=index,src={index}", f"--secret=id=ca,src={bundle}"]


def _pip(setting: str) -> str:
    command = [sys.executable, "-m", "pip", "config", "get", setting]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _needs() -> None:
    lacking = [one for one in ("buildah", "debootstrap") if shutil.which(one) is None]
    if sys.platform != "linux" or os.geteuid():
        raise Failed("Images are built here as root on Linux; elsewhere use docker build.")
    if lacking and shutil.which("apt-get") is None:
        raise Failed(f"Install {' and '.join(lacking)}.")
    if lacking:
        _say(f"installing {' and '.join(lacking)}")
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *lacking)


def _command(*words: str) -> list[str]:
    return ["buildah", "--root", f"{PLACE}/store", "--runroot", "/run/legato-images", *words]


def _buildah(*words: str) -> None:
    _run(*_command(*words))


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{command[0]} failed: {done.stdout.strip()[-3000:]}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
