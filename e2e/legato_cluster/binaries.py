"""The programs of Kubernetes, built once from pinned Go modules; it starts none of them.

What is built is kept outside the checkout under a key made of everything it depends on. Go checks
every module against go.sum.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

MODULES = Path(__file__).parent / "modules"
"""go.mod and go.sum."""
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}
OLDEST_GO = (1, 24)
"""The oldest Go that Kubernetes 1.34 and go.mod's `tool` lines take."""
SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local"}
SINCE_EPOCH = "1970-01-01T00:00:00Z"

Say = Callable[[str], None]


class NoCluster(Exception):
    """The programs can't be had on this machine; the text says why in a sentence."""


def folder(say: Say = print) -> Path:
    """Build what is not there yet, and give the folder that holds every program."""
    go = _go()
    place = Path.home() / ".cache" / "legato" / "cluster" / _key(go)
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for name in PACKAGES:
            if not (place / name).exists():
                _build(go, name, place, say)
    return place


def kubernetes_version() -> str:
    """Read the pinned version, as v1.34.4."""
    found = re.search(r"\sk8s\.io/kubernetes (v[\d.]+)\s", _modules())
    if found is None:
        raise NoCluster(f"{MODULES / 'go.mod'} pins no version of k8s.io/kubernetes.")
    return found[1]


def _modules() -> str:
    return (MODULES / "go.mod").read_text()


def _go() -> str:
    found = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if found is None:
        raise NoCluster("Kubernetes is built from source here, and Go is not installed.")
    said = _run(found, "env", "GOVERSION")
    version = re.match(r"go(\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_GO:
        raise NoCluster(f"Kubernetes is built with Go 1.24 or newer; here is {said.strip()}.")
    return found


def _key(go: str) -> str:
    inputs = [_modules(), (MODULES / "go.sum").read_text(), _run(go, "version")]
    inputs += [str(sorted(PACKAGES.items())), str(sorted(SETTINGS.items())), _linked()]
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]


def _linked() -> str:
    """Say what the linker writes into each: without a version clients take it for v0.0.0."""
    version = kubernetes_version()
    facts = {
        "gitVersion": version,
        "gitMajor": "1",
        "gitMinor": version.split(".")[1],
        "gitTreeState": "clean",
        "gitCommit": "0" * 40,
        "buildDate": SINCE_EPOCH,
    }
    places = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    stamps = [f"-X {place}.{name}={value}" for place in places for name, value in facts.items()]
    return " ".join(["-s", "-w", *stamps])


def _build(go: str, name: str, place: Path, say: Say) -> None:
    began = time.monotonic()
    fresh = place / f"{name}.new"
    _run(go, "build", "-trimpath", "-ldflags", _linked(), "-o", str(fresh), PACKAGES[name])
    fresh.rename(place / name)
    size = (place / name).stat().st_size >> 20
    say(f"built {name} in {time.monotonic() - began:.0f} s ({size} MB)")


def _run(*command: str) -> str:
    done = subprocess.run(
        command,
        cwd=MODULES,
        env={**os.environ, **SETTINGS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoCluster(f"{' '.join(command[:2])} failed: {done.stderr.strip()[-1500:]}")
    return done.stdout
