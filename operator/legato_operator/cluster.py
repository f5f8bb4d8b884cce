"""Kubernetes as the operator sees it: the only module that imports its client. Decides nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException

from legato.errors import Unavailable
from legato_operator import kinds, listing, names
from legato_operator.desired.manifest import Manifest, Ref, ref
from legato_operator.listing import Listed
from legato_operator.resources import API_VERSION
from legato_operator.seen import Machine

MANAGER = "legato-operator"
TIMEOUT = 10
"""Seconds of one call."""
SILENCE = 150
"""Seconds: the API server sends a sign of life into every watch about once a minute."""
NOT_FOUND, CONFLICT, GONE = 404, 409, 410
LATER = frozenset({408, 409, 410, 429})
"""Refusals that say nothing against what was asked."""
UNDECLARED = "failed to create typed patch object"
"""Said with a 500, though it is the document that is wrong: it has a field that nobody knows."""
ANOTHER = "metadata.uid: Invalid value"
"""Said where what is to be changed is not the one that was looked at."""
OURS = f"app.kubernetes.io/managed-by={names.MANAGED_BY}"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"

READING = frozenset({"GET"})
READS_AT_ONCE = 8
"""A connection takes 0.3 MB. A look lists a dozen kinds, and many looks may do that at a time."""

Count = Callable[[str, str, str, float], None]
"""Verb, resource, code, seconds."""
Fence = Callable[[], None]
"""Raises where this process must not write."""


class NoCluster(Exception):
    """There is none to reach; the text says so in a sentence."""


class Refused(Unavailable):
    """The API server understood, and does not do it: the document or our rights are wrong."""

    def __init__(self, why: str, *, status: int) -> None:
        super().__init__("kubernetes", why)
        self.status = status


class Conflict(Unavailable):
    """Somebody else was faster."""


class Expired(Unavailable):
    """A watch can't go on where it was; the kind must be listed again."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a watch says."""

    type: str
    """ADDED, MODIFIED, DELETED or BOOKMARK."""
    object: Manifest


class Cluster:
    """What is read and written, each a call; Unavailable where the API server does not do it."""

    def __init__(
        self,
        api: client.ApiClient,
        *,
        count: Count | None = None,
        fence: Fence | None = None,
        write_timeout: float = TIMEOUT,
    ) -> None:
        """`fence` is asked right before every write but those to Leases."""
        self._api = api
        self._count = count
        self._fence = fence
        self._write_timeout = write_timeout
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def resource(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Read one object; None where it is not there."""
        found = await self._call("GET", kinds.ALL[kind].path(namespace, name))
        return None if found is None else {"kind": kind, **found}

    async def resources(self, kind: str, namespace: str) -> list[Manifest]:
        """List a kind; of all namespaces where none is named."""
        found = await self.listed(kind, namespace)
        return list(found.items) if found else []

    async def children(
        self, namespace: str, selector: names.Labels, known: frozenset[str]
    ) -> tuple[Manifest, ...]:
        """List everything of ours with these labels, Secrets and pods aside."""
        chosen = f"{OURS},{names.selector_text(selector)}"
        found = await asyncio.gather(
            *(self.listed(kind, namespace, chosen) for kind in sorted({*kinds.CHILDREN, *known}))
        )
        return tuple(one for some in found if some for one in some.items)

    async def pods(self, namespace: str, selector: names.Labels) -> tuple[Manifest, ...]:
        """List pods."""
        found = await self.listed("Pod", namespace, f"{OURS},{names.selector_text(selector)}")
        return tuple(found.items) if found else ()

    async def machines(self) -> dict[str, Machine]:
        """Look at every machine."""
        found = await self.resources(kinds.MACHINE, "")
        return {one["metadata"]["name"]: machine(one) for one in found}

    async def listed(
        self, kind: str, namespace: str, selector: str = "", *, fields: str = ""
    ) -> Listed | None:
        """List a kind, and say at which moment; None where the cluster does not know it."""
        said = kinds.ALL[kind]
        asked = [("labelSelector", selector), ("fieldSelector", fields)]
        query = [one for one in asked if one[1]]
        text = await self._text("GET", said.path(namespace), query=query)
        if text is None:
            return None
        return listing.read(text, said.api, kind)

    async def watched(
        self, kind: str, namespace: str, selector: str, version: str, *, lasting: int = 290
    ) -> AsyncIterator[Event]:
        """Watch a kind from a moment on, until the API server ends it; raises Expired."""
        query = [("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", version)]
        query += [("timeoutSeconds", str(lasting))]
        query += [("labelSelector", selector)] if selector else []
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT, sock_read=SILENCE)
        path = kinds.ALL[kind].path(namespace)
        try:
            answer = await self._answer("GET", path, query, None, "application/json", timeout)
            _check("GET", path, answer.status, b"" if answer.status < 400 else await answer.read())
            async with answer.response:
                async for line in answer.response.content:
                    yield _event(kind, line)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise Unavailable("kubernetes", f"watch of {kind}: {error!r}") from error

    async def apply(self, manifest: Manifest) -> Manifest | None:
        """Apply an object, as the only owner of what it says; return what it became."""
        one = ref(manifest)
        path = kinds.ALL[one.kind].path(manifest["metadata"]["namespace"], one.name)
        return await self._apply(path, manifest)

    async def apply_status(
        self, kind: str, namespace: str, name: str, status: object
    ) -> Manifest | None:
        """Apply a resource's status."""
        document = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "status": msgspec.to_builtins(status),
        }
        return await self._apply(kinds.ALL[kind].path(namespace, name, "status"), document)

    async def merge(
        self, one: Ref, namespace: str, body: Manifest, *, uid: str = ""
    ) -> Manifest | None:
        """Merge a change into an object that is not ours alone; nothing where it is gone.

        With a uid nothing either where another one has its name by now.
        """
        if uid:
            body = body | {"metadata": body.get("metadata", {}) | {"uid": uid}}
        path = kinds.ALL[one.kind].path(namespace, one.name)
        content = "application/merge-patch+json"
        try:
            return await self._call("PATCH", path, body=body, content=content)
        except Refused as error:
            if uid and ANOTHER in error.why:
                return None
            raise

    async def delete(
        self, one: Ref, namespace: str, *, uid: str = "", grace: int | None = None
    ) -> None:
        """Remove an object, and what belongs to it afterwards; nothing where it is gone.

        With a uid nothing either where another one has its name by now; without one Conflict.
        """
        body: Manifest = {"propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        with suppress(*([Conflict] if uid else [])):
            await self._call("DELETE", kinds.ALL[one.kind].path(namespace, one.name), body=body)

    async def create(self, manifest: Manifest) -> Manifest | None:
        """Create an object; Conflict where it is there."""
        path = kinds.ALL[manifest["kind"]].path(manifest["metadata"]["namespace"])
        return await self._call("POST", path, body=manifest)

    async def update(self, manifest: Manifest) -> Manifest | None:
        """Put an object in the place of the one that was read; Conflict where that has changed."""
        said = manifest["metadata"]
        path = kinds.ALL[manifest["kind"]].path(said["namespace"], said["name"])
        return await self._call("PUT", path, body=manifest)

    async def _apply(self, path: str, document: Manifest) -> Manifest | None:
        query = [("fieldManager", MANAGER), ("force", "true")]
        content = "application/apply-patch+yaml"
        return await self._call("PATCH", path, query=query, body=document, content=content)

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
        text = await self._text(method, path, query=query, body=body, content=content)
        return None if text is None else dict(msgspec.json.decode(text))

    async def _text(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Manifest | None = None,
        content: str = "application/json",
    ) -> bytes | None:
        """Make one call, in turn if it is one of many; None where the object is not there."""
        seconds = TIMEOUT if method in READING else self._write_timeout
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with self._reads if _waits(method, path) else nullcontext():
            answer = await self._answer(method, path, query or [], body, content, timeout)
            try:
                text = bytes(await answer.read())
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise Unavailable("kubernetes", str(error) or repr(error)) from error
        if answer.status == NOT_FOUND:
            return None
        _check(method, path, answer.status, text)
        return text

    async def _answer(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]],
        body: Manifest | None,
        content: str,
        timeout: aiohttp.ClientTimeout,
    ) -> Any:
        """Send one request, and count what came of it."""
        headers = {"Accept": "application/json", "Content-Type": content}
        began, code = time.monotonic(), "none"
        try:
            request = await self._api.param_serialize(
                method, path, None, query, headers, body, auth_settings=["BearerToken"]
            )
            if self._fence and method not in READING and "/leases" not in path:
                self._fence()
            answer = await self._api.call_api(*request, _request_timeout=timeout)
            code = str(answer.status)
        except (ApiException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable("kubernetes", str(error) or repr(error)) from error
        finally:
            if self._count:
                self._count(_verb(method, query), _resource(path), code, time.monotonic() - began)
        return answer


class _Refusal(msgspec.Struct):
    message: str = ""


class _Line(msgspec.Struct):
    type: str
    object: Any


@asynccontextmanager
async def connected(
    *,
    count: Count | None = None,
    fence: Fence | None = None,
    write_timeout: float = TIMEOUT,
) -> AsyncIterator[Cluster]:
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
    said.connection_pool_maxsize = 0  # every watch has one of its own
    async with client.ApiClient(said) as api:
        api.user_agent = MANAGER
        yield Cluster(api, count=count, fence=fence, write_timeout=write_timeout)


def machine(one: Manifest) -> Machine:
    """Read what matters of a machine."""
    said = one.get("status", {}).get("conditions", [])
    ready = next((each["status"] for each in said if each["type"] == "Ready"), "Unknown")
    taints = {each["key"] for each in one["spec"].get("taints") or ()}
    return Machine(
        cordoned=bool(one["spec"].get("unschedulable")),
        lost=ready == "Unknown",
        out_of_service=OUT_OF_SERVICE in taints,
    )


def _event(kind: str, line: bytes) -> Event:
    said = msgspec.json.decode(line, type=_Line)
    if said.type == "ERROR":
        code = said.object.get("code")
        if code == GONE:
            raise Expired("kubernetes", f"watch of {kind} is too old")
        raise Unavailable("kubernetes", f"watch of {kind}: {said.object.get('message')}")
    return Event(said.type, {"kind": kind, **said.object})


def _check(method: str, path: str, status: int, text: bytes) -> None:
    if status < 400:
        return
    try:
        said = msgspec.json.decode(text or b"{}", type=_Refusal).message
    except msgspec.DecodeError:
        said = ""
    why = f"{method} {path}: {status} {said}".strip()
    if status == CONFLICT:
        raise Conflict("kubernetes", why)
    if status == GONE:
        raise Expired("kubernetes", why)
    if UNDECLARED in said or (status < 500 and status not in LATER):
        raise Refused(said or why, status=status)
    raise Unavailable("kubernetes", why)


def _waits(method: str, path: str) -> bool:
    """Say whether a call is one of many reads: the Lease must not wait for them."""
    return method in READING and "/leases" not in path


def _verb(method: str, query: list[tuple[str, str]]) -> str:
    return "WATCH" if ("watch", "true") in query else method


def _resource(path: str) -> str:
    """Say which resource a path is of, its part included: pods, musicbots/status."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    return "/".join([rest[0], *rest[2:]]) if rest else ""
