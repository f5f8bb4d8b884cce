"""The operator's objects at a real API server: it takes every field, and the restricted profile."""

import json

import pytest

import support_operator
from legato_cluster.control_plane import ControlPlane

PROFILE = "pod-security.kubernetes.io/warn=restricted"


@pytest.fixture(scope="module")
def restricted(cluster: ControlPlane) -> ControlPlane:
    for words in (
        ("create", "namespace", "music"),
        ("label", "namespace", "music", PROFILE),
    ):
        done = cluster.kubectl(*words)
        assert done.returncode == 0, done.stderr
    return cluster


@pytest.mark.parametrize("case", support_operator.names())
def test_every_object_is_taken_field_by_field(restricted: ControlPlane, case: str) -> None:
    made = support_operator.objects(support_operator.read(case))
    ours = [one for one in made if not one["apiVersion"].startswith("monitoring.")]

    done = restricted.kubectl(
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": ours}),
    )

    assert (done.returncode, done.stderr) == (0, "")  # what the profile forbids would be warned of
