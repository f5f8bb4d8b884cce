"""Kopf: the only module that imports it. Every event only says: look at this resource again.

It watches our resources. So does watches.py beside their children: unlike kopf that one can tell a
look what is there, whether all of it has been listed, and when it last heard of it. So nothing is
left unlooked at where a stream of kopf's hangs.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import kopf

from legato_operator.kinds import RESOURCES
from legato_operator.queue import Key, Queue


async def run(queue: Queue, namespaces: Sequence[str], stop: asyncio.Event) -> None:
    """Watch until told to stop."""
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # a line for every event
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.scanning.disabled = (
        True  # our kinds are known; it would need rights on CRDs and namespaces
    )
    known = registry(queue)
    # Kopf takes the signals over, and waits 5 s for our flag where nobody says what it was told.
    kopf.on.cleanup(registry=known, id="stop")(_setter(stop))
    await kopf.operator(
        registry=known,
        settings=settings,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
        stop_flag=stop,
    )


def registry(queue: Queue) -> kopf.OperatorRegistry:
    """Tell kopf what to watch."""
    known = kopf.OperatorRegistry()
    kopf.on.login(registry=known)(_login)
    for kind, place in RESOURCES.items():
        version = place.api.rpartition("/")[2]
        handler = _adder(queue, kind)
        kopf.on.event(place.group, version, place.plural, registry=known)(handler)
    return known


def _adder(queue: Queue, kind: str) -> Any:
    async def look_again(namespace: str | None, name: str | None, **_: Any) -> None:
        queue.add(Key(kind, namespace or "", name or ""))

    return look_again


def _setter(stop: asyncio.Event) -> Any:
    async def told(**_: Any) -> None:
        stop.set()

    return told


async def _login(**known: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**known) or kopf.login_with_kubeconfig(**known)
