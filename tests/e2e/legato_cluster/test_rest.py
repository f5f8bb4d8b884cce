"""When an installed Legato counts as at rest."""

from collections.abc import Mapping
from typing import Any

import pytest

from legato_cluster import rest

READY = [{"type": "Ready", "status": "True"}]
NOT_READY = [{"type": "Ready", "status": "False"}]


def _resource(kind: str = "LavalinkNode", **status: object) -> Any:
    said = {"observedGeneration": 2, "conditions": READY} | status
    metadata = {"name": "berlin", "generation": 2}
    return {"kind": kind, "metadata": metadata, "status": said}


def _pod(machine: str = "machine-2", component: str = "node", **metadata: object) -> Any:
    labels = {"app.kubernetes.io/component": component}
    return {
        "kind": "Pod",
        "metadata": {"name": "berlin-0", "labels": labels} | metadata,
        "spec": {"nodeName": machine},
        "status": {"conditions": READY},
    }


def _workload(**status: int) -> Any:
    labels = {"app.kubernetes.io/component": "gateway"}
    counts: Mapping[str, int] = {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1}
    return {
        "kind": "Deployment",
        "metadata": {"name": "melody-gateway", "labels": labels, "generation": 1},
        "spec": {"replicas": 1},
        "status": {**counts, **status},
    }


def _ending(one: Any) -> Any:
    return one | {"metadata": one["metadata"] | {"deletionTimestamp": "now"}}


BOTH = [_resource(), _resource("MusicBot")]


def test_nothing_that_is_well_is_unrest() -> None:
    assert rest.unrest([*BOTH, _pod(), _workload()], "machine-2") == []


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (_ending(_resource()), "berlin: ends"),
        (_resource(observedGeneration=1), "berlin: was not looked at"),
        (_resource(conditions=NOT_READY), "berlin: is not Ready"),
        (_resource(inProgress=[{"what": "drains it"}]), "berlin: drains it"),
        (_resource(replicas=2, desiredReplicas=1), "berlin: has nodes too many or too few"),
        (_pod(deletionTimestamp="now"), "berlin-0: ends"),
        (_pod() | {"status": {"conditions": NOT_READY}}, "berlin-0: is not ready"),
        (_pod() | {"spec": {}, "status": {}}, "berlin-0: is not ready"),
        (_workload(readyReplicas=0), "melody-gateway: Deployment is not complete"),
        (_workload(replicas=2), "melody-gateway: Deployment is not complete"),
        (_workload(observedGeneration=0), "melody-gateway: Deployment is not complete"),
    ],
)
def test_what_is_not_well_is_named(one: Any, said: str) -> None:
    assert rest.unrest([*BOTH, one]) == [said]


def test_a_pod_elsewhere_is_unrest_where_a_machine_is_named() -> None:
    assert rest.unrest([*BOTH, _pod("machine-1")]) == []
    assert rest.unrest([*BOTH, _pod("machine-1")], "machine-2") == ["berlin-0: is on machine-1"]


def test_what_plays_no_music_does_not_count() -> None:
    assert (
        rest.unrest([*BOTH, _pod("machine-1", "operator", deletionTimestamp="now")], "machine-2")
        == []
    )


def test_a_cluster_without_what_was_installed_is_not_at_rest() -> None:
    assert rest.unrest([]) == ["there is no MusicBot", "there is no LavalinkNode"]
    assert rest.unrest([_resource()]) == ["there is no MusicBot"]
