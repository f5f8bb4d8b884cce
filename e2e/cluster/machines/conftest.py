"""Clusters with machines; where this machine can't have one, that is said."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pytest
import pytest_asyncio

from legato_cluster import cluster, platform
from legato_cluster.cluster import Cluster
from legato_cluster.platform import Platform
from legato_cluster.problems import NoCluster, NotStarted

FIRST = ("test_machine_drained",)
"""All that plays is on the second machine once it is installed, and need not be gathered there."""
LAST = ("test_rights", "test_uninstalled")
"""What was asked of the API server is looked at when all has been asked; then the operator goes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let scenarios with a cluster of their own go first, so that there is never a second one."""
    items.sort(key=lambda item: (_shares(item), _turn(item.path.stem)))


def _turn(module: str) -> int:
    return (module not in FIRST) + (module in LAST)


def _shares(item: pytest.Item) -> bool:
    return "installed" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def every_program() -> Mapping[str, Path]:
    """All of Kubernetes; built beforehand by a stage of its own, so that nothing here is slow."""
    try:
        return cluster.programs()
    except NoCluster as missing:
        _leave_out(missing)


@pytest.fixture(scope="session")
def archive() -> Path:
    """Legato's image, built beforehand too; LEGATO_IMAGE names one that is not to be built anew."""
    given = os.environ.get("LEGATO_IMAGE")
    try:
        return Path(given) if given else platform.image()
    except NotStarted as missing:
        _leave_out(missing)


@pytest.fixture(scope="module")
def kubernetes(every_program: Mapping[str, Path]) -> Iterator[Cluster]:
    """A cluster of two machines that knows nothing of Legato."""
    with cluster.running(every_program) as one:
        yield one


@pytest.fixture(scope="session")
def installed(every_program: Mapping[str, Path], archive: Path) -> Iterator[Cluster]:
    """Legato on two machines, which the scenarios share."""
    with cluster.running(every_program, archives=[archive]) as one:
        platform.install(one)
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def music(installed: Cluster) -> AsyncIterator[Platform]:
    """What a scenario uses of it, as installed and at rest."""
    async with platform.reached(installed) as opened:
        # Here, not in a thread: what starts a machine's programs has to outlive them.
        opened.restore()
        yield opened
        await opened.leave()


def _leave_out(missing: Exception) -> NoReturn:
    said = f"No machines of a cluster: {missing}"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)
