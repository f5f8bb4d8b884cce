"""The operator in one namespace, with the rights that docs/operator.md lists and no others."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from legato.embedded.child import Child, Program
from legato_cluster.control_plane import ControlPlane
from support_operating import Api, lavalink_node
from support_servers import end
from support_waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "operator.md"
SPACE = "music"
USER = f"system:serviceaccount:{SPACE}:legato"
Json = Any


def rules() -> list[Json]:
    """Read the rights from the page; those on machines are a ClusterRole's."""
    found = re.search(r"```yaml\n(# rights\n.*?)```", PAGE.read_text(), re.DOTALL)
    assert found, "docs/operator.md lists no rights"
    listed: list[Json] = yaml.safe_load(found[1])
    return [one for one in listed if one["resources"] != ["nodes"]]


@pytest.fixture(scope="module")
def operator(
    cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ControlPlane, Child]]:
    def run(*words: str, stdin: str = "") -> str:
        done = cluster.kubectl("-n", SPACE, *words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("create", "namespace", SPACE)
    run("create", "serviceaccount", "legato")
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": rules()}
    run("apply", "-f", "-", stdin=json.dumps(role | {"metadata": {"name": "legato"}}))
    run("create", "rolebinding", "legato", "--role=legato", f"--serviceaccount={SPACE}:legato")
    folder = tmp_path_factory.mktemp("rights")
    said = yaml.safe_load(cluster.kubeconfig.read_text())
    said["users"][0]["user"] = {"token": run("create", "token", "legato").strip()}
    config = folder / "kubeconfig"
    config.touch(mode=0o600)
    config.write_text(yaml.safe_dump(said))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(Path.home()),
        "KUBECONFIG": str(config),
        "NAMESPACES": SPACE,
        "OPERATOR_NAMESPACE": SPACE,
        "OPERATOR_PORT": "0",
        "CHECK_TOKENS": "false",
        "LOOK_AGAIN": "2s",
        "LEASE_DURATION": "60s",
        "LEASE_RENEW_WITHIN": "40s",
    }
    command = (sys.executable, "-m", "legato_operator")
    log = folder / "operator.log"
    child = Child.start(Program("operator", command, log, environment=environment))
    yield cluster, child
    end(child)
    assert "Traceback" not in log.read_text()


async def test_a_namespaced_operator_needs_no_more_and_says_what_it_can_not_see(
    operator: tuple[ControlPlane, Child],
) -> None:
    cluster, child = operator
    api = Api(cluster)
    path = f"/apis/legato.dev/v1beta1/namespaces/{SPACE}/lavalinknodes"
    group = lavalink_node("berlin", replicas=1)
    done = cluster.kubectl("-n", SPACE, "apply", "-f", "-", stdin=json.dumps(group))
    assert done.returncode == 0, done.stderr

    def degraded() -> str:
        assert child.code is None, child.last_words()
        found = api.call("GET", f"{path}/berlin")
        said = found.get("status", {}).get("conditions", [])
        return next((str(one["reason"]) for one in said if one["type"] == "Degraded"), "")

    await until(lambda: degraded() == "MachinesUnseen")
    await until(lambda: api.items(f"/apis/apps/v1/namespaces/{SPACE}/statefulsets"))
    api.call("DELETE", f"{path}/berlin")
    await until(lambda: not api.items(path))

    calls = map(json.loads, cluster.audit_log.read_text().splitlines())
    refused = {
        f"{one['verb']} {one['objectRef']['resource']}"
        for one in calls
        if one["user"]["username"] == USER and one.get("responseStatus", {}).get("code") == 403
    }
    assert refused <= {"list nodes"}
