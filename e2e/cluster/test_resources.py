"""What people see of the custom resources: defaults, words, columns, /scale."""

import json

import pytest

from legato_cluster.control_plane import ControlPlane

BOT = """
apiVersion: legato.dev/v1beta1
kind: MusicBot
metadata: {name: melody}
spec:
  applicationId: "123456789012345678"
  tokenSecretRef: {name: token, key: token}
  regions: [{name: europe, voiceRegions: [frankfurt]}]
  database: {urlSecretRef: {name: postgres, key: url}}
  redis: {urlSecretRef: {name: redis, key: url}}
"""
NODES = """
apiVersion: legato.dev/v1beta1
kind: LavalinkNode
metadata: {name: berlin}
spec: {region: europe, replicas: 2}
"""
STATUS = {
    "status": {
        "nodes": "1/2",
        "players": 7,
        "version": "4.2.2",
        "replicas": 2,
        "selector": "legato.dev/nodes=berlin",
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "NodesNotReady",
                "message": "1 of 2 nodes answers.",
                "lastTransitionTime": "2026-11-23T10:00:00Z",
            }
        ],
    }
}


@pytest.fixture(scope="module")
def applied(cluster: ControlPlane) -> ControlPlane:
    done = cluster.kubectl("apply", "--server-side", "-f", "-", stdin=f"{BOT}---{NODES}")
    assert done.returncode == 0, done.stderr
    return cluster


def read(cluster: ControlPlane, *words: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(cluster.kubectl("get", *words, "-o", "json").stdout)
    return found


def test_the_api_server_fills_in_the_defaults(applied: ControlPlane) -> None:
    spec = read(applied, "mb", "melody")["spec"]

    assert isinstance(spec, dict)
    assert spec["gateway"]["maxHandovers"] == 2
    assert spec["regions"][0]["audio"] == {
        "minimum": 1,
        "maximum": 4,
        "playersPerPod": 500,
        "maxHandovers": 2,
        "resources": {"cpu": "250m", "memory": "256Mi"},
    }
    assert [job["name"] for job in spec["worker"]["jobs"]] == [
        "cleanup",
        "usage",
        "limits",
        "flags",
    ]


def test_an_unknown_field_is_refused(applied: ControlPlane) -> None:
    done = applied.kubectl(
        "apply", "--server-side", "-f", "-", stdin=BOT.replace("redis:", "reddis:")
    )

    assert done.returncode == 1
    assert "spec.reddis" in done.stderr


def test_explain_says_what_a_field_is_for(applied: ControlPlane) -> None:
    done = applied.kubectl("explain", "musicbot.spec.gateway.reshardTo")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Confirms a changed count of shards by its value." in " ".join(done.stdout.split())


def test_both_kinds_are_listed_as_legato(applied: ControlPlane) -> None:
    said = applied.kubectl("get", "legato", "-o", "name").stdout.split()

    assert sorted(said) == ["lavalinknode.legato.dev/berlin", "musicbot.legato.dev/melody"]


def test_the_columns_say_whether_it_is_fine_and_if_not_why(applied: ControlPlane) -> None:
    done = applied.kubectl(
        "patch", "lln", "berlin", "--subresource=status", "--type=merge", f"-p={json.dumps(STATUS)}"
    )
    assert done.returncode == 0, done.stderr

    head, row = applied.kubectl("get", "lln").stdout.splitlines()

    assert head.split() == ["NAME", "READY", "REASON", "NODES", "PLAYERS", "VERSION", "AGE"]
    assert row.split()[:6] == ["berlin", "False", "NodesNotReady", "1/2", "7", "4.2.2"]
    assert "1 of 2 nodes answers." in applied.kubectl("get", "lln", "-o", "wide").stdout


def test_nodes_have_a_scale_and_bots_have_none(applied: ControlPlane) -> None:
    nodes = applied.kubectl("scale", "lln", "berlin", "--replicas=3")
    bots = applied.kubectl("scale", "mb", "melody", "--replicas=3")

    assert nodes.returncode == 0, nodes.stderr
    assert read(applied, "lln", "berlin")["spec"]["replicas"] == 3  # type: ignore[index]
    assert bots.returncode == 1
