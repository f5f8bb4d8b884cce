"""Clusters with machines; where this machine can't have one, that is said."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from legato_cluster import cluster
from legato_cluster.cluster import Cluster
from legato_cluster.problems import NoCluster


@pytest.fixture(scope="session")
def every_program() -> Mapping[str, Path]:
    """All of Kubernetes; built beforehand by a stage of its own, so that nothing here is slow."""
    try:
        return cluster.programs()
    except NoCluster as missing:
        said = f"No machines of a cluster: {missing}"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)


@pytest.fixture(scope="module")
def kubernetes(every_program: Mapping[str, Path]) -> Iterator[Cluster]:
    """A cluster of two machines that knows nothing of Legato."""
    with cluster.running(every_program) as one:
        yield one
