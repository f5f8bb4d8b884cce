"""Kubernetes as the operator sees it: the only module that imports its client. Decides nothing."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException

from legato.errors import Unavailable
from legato_operator import names
from legato_operator.desired.manifest import Manifest, Ref, ref
from legato_operator.resources import API_VERSION, lavalinknode, musicbot
from legato_operator.seen import Machine

MANAGER = "legato-operator"
TIMEOUT = 10
"""Seconds of one call."""
NOT_FOUND, CONFLICT = 404, 409
OURS = "app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True)
class Kind:
    """Where the API server keeps a kind."""

    api: str
    plural: str

    def path(self, namespace: str, name: str = "", part: str = "") -> str:
        """Say the path of a collection, an object, or a part of it such as its status."""
        root = f"/api/{self.api}" if "/" not in self.api else f"/apis/{self.api}"
        place = f"{root}/namespaces/{namespace}" if namespace else root
        return "/".join(one for one in (place, self.plural, name, part) if one)


KINDS: Mapping[str, Kind] = {
    musicbot.KIND: Kind(API_VERSION, musicbot.PLURAL),
    lavalinknode.KIND: Kind(API_VERSION, lavalinknode.PLURAL),
    "ConfigMap": Kind("v1", "configmaps"),
    "CronJob": Kind("batch/v1", "cronjobs"),
    "Deployment": Kind("apps/v1", "deployments"),
    "Ingress": Kind("networking.k8s.io/v1", "ingresses"),
    "Job": Kind("batch/v1", "jobs"),
    "NetworkPolicy": Kind("networking.k8s.io/v1", "networkpolicies"),
    "Pod": Kind("v1", "pods"),
    "PodDisruptionBudget": Kind("policy/v1", "poddisruptionbudgets"),
    "Secret": Kind("v1", "secrets"),
    "Service": Kind("v1", "services"),
    "ServiceAccount": Kind("v1", "serviceaccounts"),
    "StatefulSet": Kind("apps/v1", "statefulsets"),
}
OPTIONAL: Mapping[str, Kind] = {
    "PodMonitor": Kind("monitoring.coreos.com/v1", "podmonitors"),
    "PrometheusRule": Kind("monitoring.coreos.com/v1", "prometheusrules"),
    "ServiceMonitor": Kind("monitoring.coreos.com/v1", "servicemonitors"),
}
"""Kinds of others, which the cluster may not know."""
CHILDREN = frozenset(KINDS) - {musicbot.KIND, lavalinknode.KIND, "Pod"}


class NoCluster(Exception):
    """There is none to reach; the text says so in a sentence."""


class Cluster:
    """What is read and written, each a call; Unavailable where the API server does not do it."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    async def resource(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Read one object; None where it is not there."""
        return await self._get(KINDS[kind].path(namespace, name))

    async def resources(self, kind: str, namespace: str) -> list[Manifest]:
        """List a kind; of all namespaces where none is named."""
        return await self._list(kind, KINDS[kind], namespace, "")

    async def children(
        self, namespace: str, selector: names.Labels, known: frozenset[str]
    ) -> tuple[Manifest, ...]:
        """List everything of ours with these labels; pods and Jobs of CronJobs aside."""
        kinds = {name: KINDS[name] for name in CHILDREN}
        kinds |= {name: kind for name, kind in OPTIONAL.items() if name in known}
        chosen = names.selector_text({**selector, OURS: names.MANAGED_BY})
        found = await asyncio.gather(
            *(self._list(name, kind, namespace, chosen) for name, kind in sorted(kinds.items()))
        )
        return tuple(one for some in found for one in some)

    async def pods(self, namespace: str, selector: names.Labels) -> tuple[Manifest, ...]:
        """List pods that are not on their way out."""
        chosen = names.selector_text(selector)
        found = await self._list("Pod", KINDS["Pod"], namespace, chosen)
        return tuple(one for one in found if not one["metadata"].get("deletionTimestamp"))

    async def secret(self, namespace: str, name: str) -> dict[str, str]:
        """Read a Secret by its name; empty where it is not there."""
        found = await self._get(KINDS["Secret"].path(namespace, name))
        data: dict[str, str] = (found or {}).get("data") or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    async def machines(self) -> dict[str, Machine]:
        """Look at every machine: whether it is cordoned, and whether it is out of reach."""
        found = await self._list("Node", Kind("v1", "nodes"), "", "")
        return {one["metadata"]["name"]: _machine(one) for one in found}

    async def known(self) -> frozenset[str]:
        """Say which kinds of others the cluster knows."""
        found = await self._get("/apis/monitoring.coreos.com/v1")
        there = {one["kind"] for one in (found or {}).get("resources", [])}
        return frozenset(OPTIONAL) & there

    async def apply(self, manifest: Manifest) -> None:
        """Apply an object, as the only owner of what it says."""
        one = ref(manifest)
        path = _kind(one.kind).path(manifest["metadata"]["namespace"], one.name)
        await self._patch(path, manifest)

    async def apply_status(self, kind: str, namespace: str, name: str, status: object) -> None:
        """Apply a resource's status."""
        document = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "status": msgspec.to_builtins(status),
        }
        await self._patch(KINDS[kind].path(namespace, name, "status"), document)

    async def merge(self, one: Ref, namespace: str, body: Manifest) -> None:
        """Merge a change into an object that is not ours alone; nothing where it is gone."""
        path = _kind(one.kind).path(namespace, one.name)
        await self._call("PATCH", path, body=body, content="application/merge-patch+json")

    async def delete(self, one: Ref, namespace: str) -> None:
        """Remove an object, and what belongs to it afterwards; nothing where it is gone."""
        body = {"propagationPolicy": "Background"}
        await self._call("DELETE", _kind(one.kind).path(namespace, one.name), body=body)

    async def _patch(self, path: str, document: Manifest) -> None:
        query = [("fieldManager", MANAGER), ("force", "true")]
        await self._call(
            "PATCH", path, query=query, body=document, content="application/apply-patch+yaml"
        )

    async def _get(self, path: str) -> Manifest | None:
        return await self._call("GET", path)

    async def _list(self, name: str, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        query = [("labelSelector", selector)] if selector else []
        found = await self._call("GET", kind.path(namespace), query=query)
        # Items of a list do not say what they are.
        said = {"apiVersion": kind.api, "kind": name}
        return [said | one for one in (found or {}).get("items", [])]

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Manifest | None = None,
        content: str = "application/json",
    ) -> Manifest | None:
        """Make one call: the answer, or None where the object is not there."""
        headers = {"Accept": "application/json", "Content-Type": content}
        try:
            request = await self._api.param_serialize(
                method, path, None, query, headers, body, auth_settings=["BearerToken"]
            )
            answer = await self._api.call_api(*request, _request_timeout=TIMEOUT)
            text = await answer.read()  # type: ignore[no-untyped-call]  # the library's
        except (ApiException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable("kubernetes", str(error)) from error
        if answer.status == NOT_FOUND:
            return None
        if answer.status >= 400:
            said = msgspec.json.decode(text or b"{}", type=_Refusal).message
            raise Unavailable("kubernetes", f"{method} {path}: {answer.status} {said}")
        found: Any = msgspec.json.decode(text)
        return dict(found)


class _Refusal(msgspec.Struct):
    message: str = ""


@asynccontextmanager
async def connected() -> AsyncIterator[Cluster]:
    """Reach the cluster that we run in, or the one that KUBECONFIG names."""
    said = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=said)  # type: ignore[no-untyped-call]
    except config.ConfigException:
        try:
            await config.load_kube_config(client_configuration=said)  # type: ignore[no-untyped-call]
        except config.ConfigException as error:
            raise NoCluster(
                f"The operator runs in no cluster, and KUBECONFIG names none: {error}"
            ) from error
    async with client.ApiClient(said) as api:
        api.user_agent = MANAGER
        yield Cluster(api)


def _kind(name: str) -> Kind:
    return KINDS.get(name) or OPTIONAL[name]


def _machine(one: Manifest) -> Machine:
    said = one.get("status", {}).get("conditions", [])
    ready = next((each["status"] for each in said if each["type"] == "Ready"), "Unknown")
    return Machine(cordoned=bool(one["spec"].get("unschedulable")), lost=ready == "Unknown")
