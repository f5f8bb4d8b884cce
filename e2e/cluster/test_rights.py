"""The chart's roles: the operator uses all that they grant, and needs nothing that they don't."""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

import support_operating
import support_rights
from legato_cluster import audit
from legato_cluster.audit import Right
from legato_cluster.control_plane import ControlPlane
from legato_operator import kinds, names
from support_operating import Bot, Room, Stage, lavalink_node

PAGE = Path(__file__).parents[2] / "docs" / "operator.md"
SPACE = "orchestra"
NAMESPACED = {"namespaces": [SPACE], "rbac": {"clusterRoles": False}}
ELSEWHERE = {
    # Asked of the API server by itself where it protects owners' deletion, never by us.
    Right("legato.dev", "musicbots/finalizers", "update"),
    Right("legato.dev", "lavalinknodes/finalizers", "update"),
}
"""What is used where no test of this level sees it."""
KINDS = {**kinds.CHILDREN, **kinds.OPTIONAL}
OURS = f"app.kubernetes.io/managed-by={names.MANAGED_BY}"
LEFT, CHANGED = "-left", "by another operator"
Json = Any


@pytest.fixture(scope="module")
def namespaced(
    monitored: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """An operator limited to one namespace, where the chart may make no ClusterRole."""
    folder = tmp_path_factory.mktemp("namespaced")
    kubeconfig = support_rights.admit(monitored, folder, NAMESPACED)
    told = {"NAMESPACES": SPACE, "MACHINES": "false", "OPERATOR_NAMESPACE": support_rights.SPACE}
    with support_operating.operating(monitored, folder, kubeconfig, told) as stage:
        yield stage


def test_the_page_lists_what_the_chart_grants() -> None:
    found = re.search(r"```yaml\n(# rights\n.*?)```", PAGE.read_text(), re.DOTALL)
    assert found, "docs/operator.md lists no rights"

    listed = audit.granted(yaml.safe_load(found[1]))

    assert listed == audit.granted(support_rights.rules({}))


def children(room: Room) -> list[Json]:
    """Find one child of each kind; what a CronJob fires each minute is the CronJob's, not ours."""
    found = []
    for kind, place in KINDS.items():
        listed = [
            one
            for one in room.stage.api.items(place.path(room.name), OURS)
            if {owner["kind"] for owner in one["metadata"]["ownerReferences"]} <= {*kinds.RESOURCES}
        ]
        assert listed, f"no {kind}"
        found.append({"apiVersion": place.api, "kind": kind, **listed[0]})
    return found


def as_left_over(child: Json) -> Json:
    """Make a child that nothing wants any more: as of an earlier revision."""
    one = deepcopy(child)
    said, spec = one["metadata"], one.get("spec", {})
    for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"):
        said.pop(field, None)
    said["name"] += LEFT
    if names.REVISION in said["labels"]:
        said["labels"][names.REVISION] = "earlier"
    one.pop("status", None)
    for field in ("clusterIP", "clusterIPs"):
        spec.pop(field, None)
    if "replicas" in spec:
        spec["replicas"] = 0
    if child["kind"] == "Job":
        spec.pop("selector")
        labels = spec["template"]["metadata"]["labels"]
        made = [name for name in labels if name.startswith("batch.kubernetes.io/")]
        for name in (*made, "controller-uid", "job-name"):
            labels.pop(name, None)
    return one


def disturbed(room: Room) -> list[str]:
    """Name what nothing wants, and what somebody changed."""
    found = [
        one["metadata"]
        for kind in KINDS.values()
        for one in room.stage.api.items(kind.path(room.name), OURS)
    ]
    return [
        one["name"]
        for one in found
        if one["name"].endswith(LEFT) or one.get("annotations", {}).get(names.APPLIED) == CHANGED
    ]


def nodes(room: Room) -> set[str]:
    """Say which nodes there are."""
    found = room.items("api/v1/pods", "app.kubernetes.io/component=node")
    return {one["metadata"]["uid"] for one in found}


def make_use_of_all(room: Room) -> None:
    """Have every kind of child made, restored and removed, and nodes replaced."""
    api = room.stage.api
    bot = Bot("melody", 100000000000000702)
    served = {"host": "music.example.org"}
    support_operating.settled(room, [bot], lavalink_node(replicas=2), api=served)
    for child in children(room):
        place = KINDS[child["kind"]]
        api.call("POST", place.path(room.name), as_left_over(child), "application/json")
        changed = {"metadata": {"annotations": {names.APPLIED: CHANGED}}}
        api.call("PATCH", place.path(room.name, child["metadata"]["name"]), changed)
    room.until(lambda: not disturbed(room), "what nothing wants goes, what changed is restored")
    before = nodes(room)
    room.run("patch", "lln", "berlin", "--type=merge", "-p", '{"spec": {"rotation": 1}}')
    room.until(lambda: not before & nodes(room), "nodes of another password")
    room.until(lambda: room.ready("melody") and room.ready("berlin", "lavalinknodes"), "all well")


def unused(cluster: ControlPlane, values: Json) -> set[Right]:
    """List what the chart grants with such values, and the operator has not used."""
    granted = audit.granted(support_rights.rules(values))
    return granted - audit.used(cluster.audit_log, support_rights.USER) - ELSEWHERE


def test_all_that_is_granted_is_used(operating: Stage) -> None:
    make_use_of_all(Room(operating, "rights"))

    assert unused(operating.cluster, {}) == set()
    assert audit.refused(operating.cluster.audit_log, support_rights.USER) == set()


def test_an_operator_of_one_namespace_uses_all_and_says_what_it_can_not_see(
    namespaced: Stage,
) -> None:
    room, elsewhere = Room(namespaced, SPACE), Room(namespaced, "elsewhere")
    namespaced.cluster.kubectl("create", "namespace", elsewhere.name)
    elsewhere.apply(lavalink_node())
    make_use_of_all(room)

    assert room.condition("lavalinknodes", "berlin", "Degraded")[1] == "MachinesUnseen"
    room.run("delete", "mb,lln", "--all", "--wait=false")
    room.until(
        lambda: (
            room.items("apis/legato.dev/v1beta1/lavalinknodes") == []
            and room.items("apis/legato.dev/v1beta1/musicbots") == []
        ),
        "both go",
    )

    assert elsewhere.get("apis/legato.dev/v1beta1/lavalinknodes", "berlin").get("status") is None
    assert elsewhere.names("apis/apps/v1/statefulsets") == []
    assert unused(namespaced.cluster, NAMESPACED) == set()
    assert audit.refused(namespaced.cluster.audit_log, support_rights.USER) == set()
