"""What belongs to a resource in a cluster: its form, what runs for it, and what is left of it."""

import json
from typing import Any

from legato_cluster import rest
from legato_cluster.cluster import PATIENCE, Cluster

OF_BOT, OF_NODES = "legato.dev/bot", "legato.dev/nodes"
"""Labels of all that belongs to a MusicBot, and to a LavalinkNode."""
Json = Any


def wanted(cluster: Cluster, space: str, kind: str, name: str) -> Json:
    """Read what a resource asks for, as a person would apply it to have it again."""
    found = json.loads(cluster.run("-n", space, "get", kind, name, "-o", "json"))
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "metadata": {"name": name},
        "spec": found["spec"],
    }


def apply(cluster: Cluster, space: str, *documents: Json) -> None:
    """Apply documents."""
    for one in documents:
        cluster.run("-n", space, "apply", "-f", "-", stdin=json.dumps(one))


def delete(cluster: Cluster, space: str, *resources: str) -> None:
    """Delete resources, as `kubectl delete` does: it ends once they are gone."""
    cluster.run("-n", space, "delete", f"--timeout={PATIENCE}s", *resources)


def workloads(cluster: Cluster, space: str) -> dict[str, Json]:
    """Say of all that plays which one it is, what it is made of, and how often it began."""
    kinds = "pods,deployments,statefulsets"
    listed = json.loads(cluster.run("-n", space, "get", kinds, "-o", "json"))
    return {
        f"{one['kind']}/{one['metadata']['name']}": [
            one["metadata"]["uid"],
            one["metadata"].get("generation"),
            [each["restartCount"] for each in one["status"].get("containerStatuses", ())],
        ]
        for one in listed["items"]
        if rest.plays(one)
    }


def left(cluster: Cluster, space: str, label: str, name: str) -> list[str]:
    """Name everything, of whatever kind, that carries a resource's label."""
    words = ("api-resources", "--namespaced", "--verbs=list", "-o", "name")
    kinds = ",".join(cluster.run(*words).split())
    found = cluster.run("-n", space, "get", kinds, "-l", f"{label}={name}", "-o", "name")
    return found.split()
