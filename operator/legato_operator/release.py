"""Lets go of every resource before the chart is uninstalled: `python -m legato_operator.release`.

Bots and nodes stay as they are, and can be deleted without an operator. The operator is stopped
first, and its Lease taken, as it would hold them again.
"""

import asyncio
import os
import sys
from collections.abc import Mapping

from legato import settings, telemetry
from legato_operator import cluster, kinds, names
from legato_operator.app import namespace
from legato_operator.cluster import Cluster, Conflict
from legato_operator.desired.manifest import Manifest, Ref
from legato_operator.lease import Lease, Terms
from legato_operator.settings import Settings

log = telemetry.logger(__name__)


class Leaving(Settings, frozen=True, kw_only=True):
    """What it is told: what the operator is told, and which Deployment is the operator's."""

    operator_deployment: str
    """The operator's Deployment, beside its Lease."""


def let_go(found: Manifest) -> Manifest | None:
    """Make the change by which a resource is let go of; None where nothing of ours holds it.

    The whole list of those who hold it is written, so only into the one that was read.
    """
    said = found["metadata"]
    held = said.get("finalizers") or []
    if names.FINALIZER not in held:
        return None
    left = [one for one in held if one != names.FINALIZER]
    return {"metadata": {"finalizers": left, "resourceVersion": said["resourceVersion"]}}


async def release(told: Leaving) -> int:
    """Stop the operator, and let go of all resources; return of how many."""
    terms = Terms(told.lease_duration, told.lease_renew_within, told.lease_retry)
    own = namespace(told)
    async with cluster.connected() as reached:
        await reached.merge(
            Ref("Deployment", told.operator_deployment), own, {"spec": {"replicas": 0}}
        )
        lease = Lease(reached, own, told.member, terms)
        leads = asyncio.Event()
        keeping = asyncio.create_task(lease.run(leads.set))
        try:
            await leads.wait()
            return await _release_all(reached, told.namespaces or ("",))
        finally:
            keeping.cancel()
            await lease.release()


async def _release_all(reached: Cluster, namespaces: tuple[str, ...]) -> int:
    count = 0
    for kind in kinds.RESOURCES:
        for space in namespaces:
            for found in await reached.resources(kind, space):
                if await let_go_of(reached, kind, found):
                    log.info("let go", kind=kind, name=found["metadata"]["name"])
                    count += 1
    return count


async def let_go_of(reached: Cluster, kind: str, found: Manifest) -> bool:
    """Let go of a resource, looking again where it changed meanwhile; say whether it was held."""
    said = found["metadata"]
    now: Manifest | None = found
    while now is not None and (body := let_go(now)):
        try:
            await reached.merge(Ref(kind, said["name"]), said["namespace"], body, uid=said["uid"])
            return True
        except Conflict:
            now = await reached.resource(kind, said["namespace"], said["name"])
    return False


def main(environ: Mapping[str, str]) -> int:
    """Do it; return the exit code."""
    try:
        told = settings.load(Leaving, environ)
    except settings.WrongSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    telemetry.set_up(told)
    try:
        count = asyncio.run(release(told))
    except cluster.NoCluster as error:
        sys.stderr.write(f"{error}\n")
        return 1
    log.info("released", resources=count)
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
