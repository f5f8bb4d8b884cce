"""Kopf: the only module that imports it. Every event only says: look at this resource again."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import kopf

from legato_operator import names
from legato_operator.cluster import CHILDREN, KINDS, Kind
from legato_operator.look import Shell
from legato_operator.queue import Key
from legato_operator.resources import lavalinknode, musicbot

OURS = f"app.kubernetes.io/managed-by={names.MANAGED_BY}"


def registry(shell: Shell) -> kopf.OperatorRegistry:
    """Tell kopf what to watch."""
    known = kopf.OperatorRegistry()
    kopf.on.login(registry=known)(_login)

    for kind in (musicbot.KIND, lavalinknode.KIND):
        _watch(known, KINDS[kind], _adder(shell, kind))
    for kind in sorted({*CHILDREN, "Pod"} - {"Secret"}):
        _watch(known, KINDS[kind], _owner_adder(shell))
    return known


async def run(shell: Shell, namespaces: Sequence[str], stop: asyncio.Event) -> None:
    """Watch until told to stop."""
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # a line for every event
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.scanning.disabled = bool(namespaces)
    for kind in {*CHILDREN, "Pod"} - {"Secret"}:
        settings.watching.label_selectors[_group(KINDS[kind]), KINDS[kind].plural] = OURS
    await kopf.operator(
        registry=registry(shell),
        settings=settings,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
        stop_flag=stop,
    )


def _watch(known: kopf.OperatorRegistry, kind: Kind, handler: Any) -> None:
    group, version = _group(kind), kind.api.rpartition("/")[2]
    kopf.on.event(group, version, kind.plural, registry=known)(handler)


def _adder(shell: Shell, kind: str) -> Any:
    async def look_again(namespace: str | None, name: str | None, **_: Any) -> None:
        shell.queue.add(Key(kind, namespace or "", name or ""))

    return look_again


def _owner_adder(shell: Shell) -> Any:
    """Have the resource looked at that a child's labels name."""

    async def look_again(namespace: str | None, labels: Any, **_: Any) -> None:
        if bot := labels.get(names.BOT):
            shell.queue.add(Key(musicbot.KIND, namespace or "", bot))
        if group := labels.get(names.NODES):
            shell.queue.add(Key(lavalinknode.KIND, namespace or "", group))

    return look_again


def _group(kind: Kind) -> str:
    return kind.api.rpartition("/")[0]


async def _login(**known: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**known) or kopf.login_with_kubeconfig(**known)
