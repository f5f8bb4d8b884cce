"""The rights that the chart gives the operator, brought to an API server without machines."""

import json
from pathlib import Path
from typing import Any

import yaml

import support_helm
from legato_cluster import waiting
from legato_cluster.control_plane import ControlPlane
from support_waiting import PATIENCE

ROLES = ("Role", "ClusterRole")
KINDS = ("ServiceAccount", *ROLES, *(f"{kind}Binding" for kind in ROLES))
SPACE, ACCOUNT = "legato-system", "legato-operator"
USER = f"system:serviceaccount:{SPACE}:{ACCOUNT}"
Json = Any


def rules(values: Json) -> list[Json]:
    """List what the roles grant that the chart gives the operator."""
    return [rule for one in _roles(support_helm.rendered(values)) for rule in one["rules"]]


def admit(cluster: ControlPlane, folder: Path, values: Json) -> Path:
    """Bring the chart's account and roles to a cluster, and write how the operator reaches it."""
    rendered = support_helm.rendered(values)
    ours = [one for one in rendered if one["kind"] in KINDS]
    spaces = {one["metadata"]["namespace"] for one in ours if "namespace" in one["metadata"]}
    for space in sorted(spaces):
        _run(cluster, "create", "namespace", space)
    _run(cluster, "apply", "-f", "-", stdin=yaml.safe_dump_all(ours))
    own = ("-n", SPACE)
    token = _run(cluster, *own, "create", "token", ACCOUNT, "--duration=24h").strip()
    _wait_for_rights(cluster, _roles(rendered))
    said = yaml.safe_load(cluster.kubeconfig.read_text())
    said["users"][0]["user"] = {"token": token}
    kubeconfig = folder / "operator.kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(yaml.safe_dump(said))
    return kubeconfig


def _roles(rendered: list[Json]) -> list[Json]:
    """Find the roles that are bound: others are for people."""
    bound = [one["roleRef"]["name"] for one in rendered if "roleRef" in one]
    return [one for one in rendered if one["kind"] in ROLES and one["metadata"]["name"] in bound]


def _wait_for_rights(cluster: ControlPlane, roles: list[Json]) -> None:
    """Wait until the API server has heard of its roles: it learns of them by a watch."""

    def granted() -> bool:
        return all(_may(cluster, role) for role in roles)

    waiting.until(granted, "the operator's rights", timeout=PATIENCE)


def _may(cluster: ControlPlane, role: Json) -> bool:
    """Ask for one right of a role."""
    rule = role["rules"][0]
    place = {
        "namespace": role["metadata"].get("namespace", "default"),
        "verb": rule["verbs"][0],
        "group": rule["apiGroups"][0],
        "resource": rule["resources"][0],
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": USER, "resourceAttributes": place},
    }
    said = _run(cluster, "create", "-f", "-", "-o", "json", stdin=json.dumps(review))
    return bool(json.loads(said)["status"]["allowed"])


def _run(cluster: ControlPlane, *words: str, stdin: str = "") -> str:
    done = cluster.kubectl(*words, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout
