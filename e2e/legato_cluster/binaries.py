"""The programs of Kubernetes and Prometheus, built once from pinned Go modules; it starts none.

What is built is kept outside the checkout, each set of modules under a key made of everything it
depends on. Go checks every module against go.sum.
"""

import dataclasses
import fcntl
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from legato_cluster import go as toolchain
from legato_cluster.problems import NoCluster

MODULES = Path(__file__).parent / "modules"
SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local"}
SINCE_EPOCH = "1970-01-01T00:00:00Z"

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Modules:
    """A Go module that pins programs, and what each of them is built from."""

    folder: Path
    """Holds go.mod and go.sum, and main.go where the program is our own."""
    packages: Mapping[str, str]
    oldest_go: tuple[int, int]
    """The oldest Go that go.mod takes."""
    tags: str = ""
    stamped: bool = False
    """The linker writes Kubernetes' version into them."""


CONTROL_PLANE = Modules(
    MODULES,
    {
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    },
    (1, 24),
    stamped=True,
)
MACHINES = Modules(
    MODULES / "machines",
    {
        "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        "kubelet": "k8s.io/kubernetes/cmd/kubelet",
    },
    (1, 24),
    stamped=True,
)
DNS = Modules(MODULES / "dns", {"coredns": "."}, (1, 25))
ERRAND = Modules(MODULES / "errand", {"errand": "."}, (1, 24))
PROMETHEUS = Modules(
    MODULES / "prometheus",
    {"prometheus": "github.com/prometheus/prometheus/cmd/prometheus"},
    (1, 26),
    tags="remove_all_sd,enable_kubernetes_sd,netgo",
)


def folder(say: Say = print) -> Path:
    """Build what is not there yet of a control plane, and give the folder that holds it."""
    return built(CONTROL_PLANE, say)


def built(modules: Modules, say: Say = print) -> Path:
    """Build what is not there yet of a set, and give the folder that holds every program of it."""
    go = toolchain.program(modules.oldest_go)
    place = Path.home() / ".cache" / "legato" / "cluster" / _key(go, modules)
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for name in modules.packages:
            if not (place / name).exists():
                _build(go, modules, name, place, say)
    return place


def kubernetes_version() -> str:
    """Read the pinned version, as v1.34.4."""
    found = re.search(r"\sk8s\.io/kubernetes (v[\d.]+)\s", (MODULES / "go.mod").read_text())
    if found is None:
        raise NoCluster(f"{MODULES / 'go.mod'} pins no version of k8s.io/kubernetes.")
    return found[1]


def _key(go: str, modules: Modules) -> str:
    inputs = [(modules.folder / name).read_text() for name in ("go.mod", "go.sum")]
    inputs += [_run(modules.folder, go, "version"), str(sorted(modules.packages.items()))]
    inputs += [str(sorted(SETTINGS.items())), _linked(modules)]
    inputs += [modules.tags] if modules.tags else []
    inputs += [file.read_text() for file in sorted(modules.folder.glob("*.go"))]
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]


def _linked(modules: Modules) -> str:
    """Say what the linker writes into each: without a version clients take it for v0.0.0."""
    if not modules.stamped:
        return "-s -w"
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


def _build(go: str, modules: Modules, name: str, place: Path, say: Say) -> None:
    began = time.monotonic()
    fresh = place / f"{name}.new"
    options = ["-trimpath", "-ldflags", _linked(modules), "-tags", modules.tags, "-o", str(fresh)]
    _run(modules.folder, go, "build", *options, modules.packages[name])
    fresh.rename(place / name)
    size = (place / name).stat().st_size >> 20
    say(f"built {name} in {time.monotonic() - began:.0f} s ({size} MB)")


def _run(where: Path, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=where,
        env={**os.environ, **SETTINGS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoCluster(f"{' '.join(command[:2])} failed: {done.stderr.strip()[-1500:]}")
    return done.stdout
