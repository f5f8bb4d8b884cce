"""The values that pods were rolled out with: a Secret of ours for each resource. Pure.

A kubelet reads a Secret anew whenever a container starts. So pods take no token, password or
address from a person's Secret, but from ours, by a key that names the value: it is there before
the first workload that uses it, never becomes another one, and goes with the last. It is one
Secret of a known name, not one for each revision: the operator may neither list nor delete any.
"""

import base64
from collections.abc import Iterable, Mapping
from contextlib import suppress

from legato_operator import names
from legato_operator.desired.manifest import Manifest, Owner, made
from legato_operator.resources import lavalinknode
from legato_operator.resources.musicbot import BotSpec
from legato_operator.resources.shared import SecretRef

PASSWORD = "password"  # noqa: S105  # what a key begins with
ENDED_JOB, ENDED_POD = frozenset({"Complete", "Failed"}), frozenset({"Succeeded", "Failed"})


def name_of(owner: Owner) -> str:
    """Name a resource's Secret; every release alike, as pods of the one before begin with it."""
    nodes = owner.kind == lavalinknode.KIND
    return names.joined(owner.name, "nodes-pinned" if nodes else "pinned")


def key(what: str, fingerprint: str) -> str:
    """Name one value."""
    return f"{what}-{fingerprint}"


def read_by(spec: BotSpec) -> dict[str, SecretRef]:
    """Say what of a bot's values come from which Secret."""
    named = {
        "token": spec.token_secret_ref,
        "database": spec.database.url_secret_ref,
        "redis": spec.redis.url_secret_ref,
    }
    oauth = spec.api.oauth_secret_ref
    return named | ({"oauth": oauth} if oauth else {})


def secret(owner: Owner, texts: Mapping[str, str]) -> Manifest:
    """Make the Secret."""
    nodes = owner.kind == lavalinknode.KIND
    labels = names.of_nodes(owner.name) if nodes else names.of_bot(owner.name, "services")
    data = {one: base64.b64encode(text.encode()).decode() for one, text in sorted(texts.items())}
    return {**made("v1", "Secret", name_of(owner), owner, labels), "data": data}


def texts(found: Manifest | None) -> dict[str, str]:
    """Read the values of the Secret that is there; what is no text is none of ours."""
    read: dict[str, str] = {}
    for one, encoded in ((found or {}).get("data") or {}).items():
        with suppress(UnicodeDecodeError):
            read[one] = base64.b64decode(encoded).decode()
    return read


def used(by: Iterable[Manifest], name: str) -> set[str]:
    """Name the values that workloads and pods begin their containers with, as long as they may."""
    return {
        source["key"]
        for one in by
        if not _is_over(one)
        for container in _pod(one).get("containers") or ()
        for variable in container.get("env") or ()
        if (source := (variable.get("valueFrom") or {}).get("secretKeyRef"))
        if source["name"] == name
    }


def _pod(of: Manifest) -> Manifest:
    """Find what a pod is made of, or will be."""
    spec: Manifest = of.get("spec") or {}
    if of["kind"] == "Pod":
        return spec
    job: Manifest = spec.get("jobTemplate", {}).get("spec", spec)
    found: Manifest = job.get("template", {}).get("spec", {})
    return found


def _is_over(one: Manifest) -> bool:
    """Say whether a Job or a pod has ended, so that none of its containers starts again."""
    status = one.get("status") or {}
    said = {each["type"] for each in status.get("conditions") or () if each["status"] == "True"}
    ended = one["kind"] == "Job" and bool(said & ENDED_JOB)
    return ended or (one["kind"] == "Pod" and status.get("phase") in ENDED_POD)
