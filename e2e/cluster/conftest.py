"""A fresh control plane for each module; where the machine can't have one, that is said."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import support_operating
import support_rights
from legato_cluster import audit, binaries, control_plane, waiting
from legato_cluster.control_plane import ControlPlane
from legato_cluster.problems import NoCluster
from support_waiting import PATIENCE

LONGEST = ("away", "wrong_wishes", "scaling_held", "leading", "operator", "rights", "worker_jobs")
"""Modules that begin first, so that two side by side end at about the same time."""
CRDS = Path(__file__).parents[2] / "crds"
MONITORS = Path(__file__).parents[1] / "legato_cluster/monitoring.yaml"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest modules of this folder first, each with its tests in their order."""
    first = [Path(__file__).with_name(f"test_{name}.py") for name in LONGEST]
    items.sort(key=lambda one: first.index(one.path) if one.path in first else len(first))


@pytest.fixture(scope="session")
def programs() -> Path:
    """Kubernetes' programs; built beforehand by their own stage, so that nothing here is slow."""
    try:
        if sys.platform != "linux":
            raise NoCluster("its programs are tied to ours by what only Linux has.")
        return binaries.folder()
    except NoCluster as missing:
        said = f"No Kubernetes on this machine: {missing}"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)


@pytest.fixture(scope="module")
def bare(programs: Path) -> Iterator[ControlPlane]:
    """An API server that knows nothing of Legato."""
    with control_plane.ControlPlane(programs) as one:
        yield one


@pytest.fixture(scope="module")
def cluster(bare: ControlPlane) -> ControlPlane:
    """An API server that knows our kinds."""
    _know_our_kinds(bare)
    return bare


@pytest.fixture(scope="module")
def monitored(cluster: ControlPlane) -> ControlPlane:
    """An API server that also knows the kinds of Prometheus' operator."""
    _know_monitors(cluster)
    return cluster


@pytest.fixture(scope="session")
def operating(
    programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[support_operating.Stage]:
    """A control plane with an operator, for every scenario that has a namespace of its own.

    It has the chart's rights, and no scenario may have asked it for another.
    """
    with control_plane.ControlPlane(programs) as one:
        _know_our_kinds(one)
        _know_monitors(one)
        folder = tmp_path_factory.mktemp("operating")
        kubeconfig = support_rights.admit(one, folder, {})
        told = {"OPERATOR_NAMESPACE": support_rights.SPACE}
        with support_operating.operating(one, folder, kubeconfig, told) as stage:
            yield stage
        assert audit.refused(one.audit_log, support_rights.USER) == set()


def _know_our_kinds(one: ControlPlane) -> None:
    done = one.kubectl("apply", "--server-side", "-f", str(CRDS))
    assert done.returncode == 0, done.stderr
    names = [f"crd/{file.stem}" for file in CRDS.glob("*.yaml")]
    done = one.kubectl("wait", "--for=condition=Established", "--timeout=120s", *names)
    assert done.returncode == 0, done.stderr
    # Established says nothing of what is published of them: it comes some seconds later.
    waiting.until(lambda: _published(one), "what is published of our kinds", timeout=PATIENCE)


def _published(one: ControlPlane) -> bool:
    """Say whether clients find the kinds, by name and as legato, and what their fields are for."""
    explained = (("explain", f"{file.stem.partition('.')[0]}.spec") for file in CRDS.glob("*.yaml"))
    asked = [one.kubectl(*words) for words in (("get", "legato"), *explained)]
    return all(done.returncode == 0 for done in asked)


def _know_monitors(one: ControlPlane) -> None:
    """Let an API server know the kinds of Prometheus' operator."""
    done = one.kubectl("apply", "--server-side", "-f", str(MONITORS))
    assert done.returncode == 0, done.stderr
    names = "podmonitors,servicemonitors,prometheusrules"
    known = ("get", names, "--all-namespaces")
    waiting.until(lambda: not one.kubectl(*known).returncode, "monitors", timeout=PATIENCE)
