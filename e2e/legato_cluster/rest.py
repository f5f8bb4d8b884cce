"""Whether an installed Legato is at rest: nothing is wrong, under way, or elsewhere. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

RESOURCES = ("MusicBot", "LavalinkNode")
COMPONENT = "app.kubernetes.io/component"
PLAYING = ("gateway", "audio", "node", "api")
"""Components whose pods follow the music from machine to machine."""
KINDS = "musicbots,lavalinknodes,deployments,statefulsets,pods"
"""What has to be looked at, as kubectl names it."""
Json = Any


def unrest(objects: Sequence[Json], machine: str = "") -> list[str]:
    """Say what is not at rest, or, where a machine is named, what of the music is elsewhere."""
    there = {one["kind"] for one in objects}
    missing = [f"there is no {kind}" for kind in RESOURCES if kind not in there]
    return missing + [line for one in objects for line in _unrest(one, machine)]


def plays(one: Json) -> bool:
    """Say whether a pod, or what makes pods, is one of the music's."""
    return one["metadata"].get("labels", {}).get(COMPONENT) in PLAYING


def is_ready(one: Json) -> bool:
    """Say whether an object's condition Ready is true."""
    found = one.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in found)


def _unrest(one: Json, machine: str) -> Iterator[str]:
    kind, name = one["kind"], one["metadata"]["name"]
    if kind in RESOURCES:
        yield from (f"{name}: {line}" for line in _of_resource(one))
    elif not plays(one):
        return
    elif kind == "Pod":
        yield from (f"{name}: {line}" for line in _of_pod(one, machine))
    elif not _is_complete(one):
        yield f"{name}: {kind} is not complete"


def _of_resource(one: Json) -> Iterator[str]:
    status = one.get("status", {})
    if "deletionTimestamp" in one["metadata"]:
        yield "ends"
    if status.get("observedGeneration") != one["metadata"]["generation"]:
        yield "was not looked at"
    if not is_ready(one):
        yield "is not Ready"
    for each in status.get("inProgress", []):
        yield each["what"]
    if status.get("replicas", 0) != status.get("desiredReplicas", 0):
        yield "has nodes too many or too few"


def _of_pod(one: Json, machine: str) -> Iterator[str]:
    where = one["spec"].get("nodeName", "no machine")
    if "deletionTimestamp" in one["metadata"]:
        yield "ends"
    elif not is_ready(one):
        yield "is not ready"
    if machine and where != machine:
        yield f"is on {where}"


def _is_complete(one: Json) -> bool:
    """Say whether the controller has made all pods, and no others are there."""
    status, wanted = one.get("status", {}), one["spec"]["replicas"]
    counts = {status.get("replicas", 0), status.get("readyReplicas", 0), wanted}
    return status.get("observedGeneration") == one["metadata"]["generation"] and len(counts) == 1
