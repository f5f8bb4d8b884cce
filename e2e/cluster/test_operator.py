"""The operator at a real API server: children come, are kept as wanted, and the status says why.

No machine runs a pod here: the test does what a kubelet would, and reports as the services do.
"""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
import yaml

import support_operator
from legato.contracts import keys
from legato.contracts.fleet import Directive, Observed, ObservedNode
from legato.embedded.child import Child, Program
from legato_cluster import audit
from legato_cluster.control_plane import ControlPlane
from support_operating import COMPONENT, Api
from support_servers import running_valkey
from support_waiting import PATIENCE

BOT = 123456789012345678
USER = "operator"
PODS = "/api/v1/namespaces/music/pods"
OURS = "/apis/legato.dev/v1beta1/namespaces/music"
LOOKED_AT = (f"{OURS}/musicbots/melody", f"{OURS}/lavalinknodes/berlin")
LIGHT = "services,cronjobs,configmaps,serviceaccounts,poddisruptionbudgets,networkpolicies"
"""Children that can be removed without ending a pod."""
READS = {"get", "list", "watch"}
Json = Any


@dataclasses.dataclass
class Stage:
    """A cluster with an operator, a bot, nodes, and the bot's Redis."""

    cluster: ControlPlane
    api: Api
    redis: redis.Redis
    operator: Child
    players: int | None = None
    """On the first node, as the services report; None = no service runs yet."""

    def run(self, *words: str, stdin: str = "") -> str:
        done = self.cluster.kubectl("-n", "music", *words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, *words: str) -> Json:
        return json.loads(self.run("get", *words, "-o", "json"))

    def items(self, *words: str) -> list[Json]:
        return list(self.get(*words)["items"])

    def ready(self, kind: str, name: str) -> tuple[str, str]:
        said = self.get(kind, name).get("status", {}).get("conditions", [])
        return next(((c["status"], c["reason"]) for c in said if c["type"] == "Ready"), ("", ""))

    def until(self, look: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not look():
            self.live()
            self.report()
            if time.monotonic() > deadline:
                pytest.fail(f"not within {PATIENCE:.0f} s: {what}; {self.told()}")
            assert self.operator.code is None, self.operator.last_words()
            time.sleep(0.2)

    def told(self) -> str:
        """Tell what the resources report, and the operator's last words."""
        found = self.items("mb,lln")
        said = [one.get("status", {}).get("conditions") for one in found]
        return f"{json.dumps(said)}; {self.operator.last_words()}"

    def live(self) -> None:
        """Say of every pod that lasts what a kubelet would."""
        for pod in self.api.items(PODS, f"{COMPONENT} in (gateway,audio,api,node)"):
            if pod.get("status", {}).get("phase") != "Running":
                self.pod(pod["metadata"]["name"], "Running")

    def pod(self, name: str, phase: str) -> None:
        """Say of a pod what a kubelet would."""
        ready = "True" if phase == "Running" else "False"
        status = {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}
        self.api.call("PATCH", f"{PODS}/{name}/status", {"status": status})

    def pods(self, component: str) -> list[str]:
        found = self.api.items(PODS, f"{COMPONENT}={component}")
        return [pod["metadata"]["name"] for pod in found]

    def report(self) -> None:
        """Report as the services do, again and again: the first pod of a kind holds everything."""
        if self.players is None:
            return
        at = int(time.time() * 1000)
        raw = self.redis.get(keys.directive(BOT))
        said = msgspec.json.decode(raw, type=Directive) if raw else Directive(version=0)
        gone = {
            one.decode() for one in self.redis.hkeys(keys.observed(BOT)) if isinstance(one, bytes)
        }
        for component, prefix, total in (("gateway", "1:s", 2), ("audio", "1:europe:p", 32)):
            for place, member in enumerate(self.pods(component)):
                things = tuple(f"{prefix}{n}" for n in range(0 if place else total))
                one = Observed(
                    member=member,
                    component=component,
                    at=at,
                    directive_version=said.version,
                    nodes=(ObservedNode(name="berlin-0", players=self.players),),
                    partitions=things if component == "audio" else (),
                    shards=things if component == "gateway" else (),
                )
                self.redis.hset(keys.observed(BOT), one.field, msgspec.json.encode(one))
                gone.discard(one.field)
        for field in gone:
            self.redis.hdel(keys.observed(BOT), field)  # who ends says so

    def asked(self, since: int = 0) -> list[tuple[str, str]]:
        """List what the operator asked for, from a line of the audit log on; its Lease aside."""
        return [
            (one["verb"], one["requestURI"])
            for one in audit.entries(self.cluster.audit_log, USER, since)
            if one.get("objectRef", {}).get("resource") != "leases"
        ]


def resource(case: str) -> str:
    found = support_operator.read(case)
    del found["metadata"]["uid"]
    return yaml.safe_dump(found)


@pytest.fixture(scope="module")
def stage(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    kubeconfig = cluster.admit(USER, USER, group="system:masters")
    environment = {"PATH": os.environ["PATH"], "KUBECONFIG": str(kubeconfig)}
    environment |= {"LOOK_AGAIN": "2s", "HOME": str(Path.home()), "OPERATOR_PORT": "0"}
    environment |= {"CHECK_TOKENS": "false", "LEASE_DURATION": "60s", "LEASE_RENEW_WITHIN": "40s"}
    command = (sys.executable, "-m", "legato_operator")
    with running_valkey() as valkey:
        client = redis.Redis.from_url(valkey.url)
        client.hset(keys.layout(BOT), "shards", "2")
        made = cluster.kubectl("create", "namespace", "music")
        assert made.returncode == 0, made.stderr
        operator = Child.start(Program("operator", command, log, environment=environment))
        one = Stage(cluster, Api(cluster), client, operator)
        secrets = {"discord": "token=t", "postgres": "url=postgresql://p", "redis": ""}
        secrets["redis"] = f"url={valkey.url}"
        for name, content in secrets.items():
            one.run("create", "secret", "generic", name, f"--from-literal={content}")
        yield one
        operator.ask_to_stop()
        end_by = time.monotonic() + PATIENCE
        while operator.code is None and time.monotonic() < end_by:
            time.sleep(0.1)
        code = operator.code
        operator.kill()
        client.close()
        assert code == 0, operator.last_words()
        assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def running(stage: Stage) -> Stage:
    """A bot and its nodes, all of whose pods answer."""
    stage.run("apply", "--server-side", "-f", "-", stdin=resource("smallest_nodes"))
    stage.run("apply", "--server-side", "-f", "-", stdin=resource("smallest_bot"))
    stage.until(lambda: stage.pods("migrate"), "a pod that migrates")
    assert stage.items("deployments") == []
    stage.pod(stage.pods("migrate")[0], "Succeeded")
    stage.players = 0
    stage.until(lambda: stage.ready("mb", "melody")[0] == "True", "a bot that is ready")
    stage.until(lambda: stage.ready("lln", "berlin")[0] == "True", "nodes that are ready")
    return stage


def directive(running: Stage) -> bytes:
    found = running.redis.get(keys.directive(BOT))
    return found if isinstance(found, bytes) else b""


def test_the_columns_tell_the_story(running: Stage) -> None:
    bot = running.run("get", "mb").splitlines()[1].split()
    nodes = running.run("get", "lln").splitlines()[1].split()

    assert bot[:6] == ["melody", "True", "ShardsConnected", "2/2", "0", "0.1.0"]
    assert nodes[:6] == ["berlin", "True", "NodesReady", "2/2", "0", "4.2.2"]


def test_the_services_are_told_of_every_node_by_its_own_address(running: Stage) -> None:
    running.until(lambda: b'"berlin-1"' in directive(running), "both nodes")

    said = msgspec.json.decode(directive(running), type=Directive)

    assert [(node.name, node.url) for node in said.nodes] == [
        (f"berlin-{place}", f"http://berlin-{place}.berlin.music.svc:2333") for place in (0, 1)
    ]
    secret = running.get("secret", "berlin-password")
    assert len({node.password for node in said.nodes}) == 1
    assert said.nodes[0].password not in json.dumps(running.items("statefulsets,configmaps,pods"))
    assert secret["metadata"]["ownerReferences"][0]["kind"] == "LavalinkNode"


def test_where_all_is_as_wanted_nothing_is_written(running: Stage) -> None:
    quiet_looks(running)


def quiet_looks(running: Stage) -> None:
    """Wait for three looks at each resource in a row that write nothing."""
    log, since = running.cluster.audit_log, 0

    def three_quiet_looks() -> bool:
        nonlocal since
        asked = running.asked(since)
        if not since or any(verb not in READS for verb, _ in asked):
            since = len(audit.lines(log))  # what came last is still being told of
            return False
        return all(asked.count(("get", path)) >= 3 for path in LOOKED_AT)

    running.until(three_quiet_looks, "three looks at each that write nothing")


def test_a_child_that_was_changed_is_restored_and_a_users_label_is_kept(running: Stage) -> None:
    running.run("label", "cronjob", "melody-usage", "team=music")
    running.run("label", "statefulset", "berlin", "team=music")
    running.run("patch", "cronjob", "melody-usage", "-p", '{"spec": {"suspend": true}}')
    running.run("patch", "service", "berlin", "-p", '{"spec": {"publishNotReadyAddresses": false}}')

    running.until(
        lambda: running.get("cronjob", "melody-usage")["spec"]["suspend"] is False, "its spec"
    )
    running.until(
        lambda: running.get("service", "berlin")["spec"].get("publishNotReadyAddresses") is True,
        "the nodes' Service",
    )

    quiet_looks(running)
    for child in (("cronjob", "melody-usage"), ("statefulset", "berlin")):
        assert running.get(*child)["metadata"]["labels"]["team"] == "music"


def test_a_workload_that_was_changed_is_restored(running: Stage) -> None:
    before = images(running)
    assert {kind for kind, _ in before} == {"Deployment", "StatefulSet"}

    for kind, name in before:
        running.run("set", "image", f"{kind.lower()}/{name}", "*=docker.io/library/other:1")
    running.until(lambda: images(running) == before, "the images of all that plays")


def images(running: Stage) -> dict[tuple[str, str], list[str]]:
    return {
        (one["kind"], one["metadata"]["name"]): [
            each["image"] for each in one["spec"]["template"]["spec"]["containers"]
        ]
        for one in running.items("deployments,statefulsets")
    }


def test_a_child_that_was_removed_comes_again(running: Stage) -> None:
    def there() -> dict[tuple[str, str], str]:
        found = running.items(LIGHT, "-l", "app.kubernetes.io/managed-by=legato-operator")
        return {(one["kind"], one["metadata"]["name"]): one["metadata"]["uid"] for one in found}

    before = there()
    assert {kind for kind, _ in before} >= {"Service", "CronJob", "PodDisruptionBudget"}

    for kind, name in before:
        running.run("delete", kind.lower(), name, "--wait=false")

    running.until(
        lambda: (
            (now := there()).keys() == before.keys()
            and set(now.values()).isdisjoint(before.values())
        ),
        "others of the same names",
    )


def test_a_secret_that_goes_is_named_and_nothing_else_is_touched(running: Stage) -> None:
    secret = running.get("secret", "postgres")
    deployments = {one["metadata"]["uid"] for one in running.items("deployments")}

    running.run("delete", "secret", "postgres")
    running.until(lambda: running.ready("mb", "melody") == ("False", "SecretMissing"), "a reason")
    assert {one["metadata"]["uid"] for one in running.items("deployments")} == deployments

    del secret["metadata"]["uid"], secret["metadata"]["resourceVersion"]
    running.run("create", "-f", "-", stdin=json.dumps(secret))
    running.until(lambda: running.ready("mb", "melody")[0] == "True", "a bot that is ready")
    assert {one["metadata"]["uid"] for one in running.items("deployments")} == deployments


def test_nodes_that_play_are_not_removed_when_fewer_are_wanted(running: Stage) -> None:
    running.players = 3
    running.run("scale", "lln", "berlin", "--replicas=0")
    running.until(lambda: b'"drain_deadline"' in directive(running), "a drain")
    running.until(lambda: running.get("statefulset", "berlin")["spec"]["replicas"] == 1, "one less")
    running.until(lambda: running.get("lln", "berlin")["status"]["players"] == 3, "players")
    running.until(lambda: running.pods("node") == ["berlin-0"], "an end of the empty one")
    assert running.get("statefulset", "berlin")["spec"]["replicas"] == 1

    running.players = 0
    running.until(lambda: running.get("statefulset", "berlin")["spec"]["replicas"] == 0, "none")


def test_past_the_deadline_of_its_drain_a_node_goes_with_whoever_is_left(running: Stage) -> None:
    running.run("scale", "lln", "berlin", "--replicas=1")
    running.until(lambda: running.pods("node") == ["berlin-0"], "a node")
    running.players = 3
    running.until(lambda: running.get("lln", "berlin")["status"]["players"] == 3, "players")
    running.run("scale", "lln", "berlin", "--replicas=0")
    running.until(lambda: b'"drain_deadline"' in directive(running), "a drain")
    assert running.get("statefulset", "berlin")["spec"]["replicas"] == 1

    let_deadlines_pass(running)

    running.until(lambda: running.get("statefulset", "berlin")["spec"]["replicas"] == 0, "none")
    assert running.players == 3
    running.players = 0


def let_deadlines_pass(running: Stage) -> None:
    """Say that every drain began long ago."""
    said = msgspec.json.decode(directive(running), type=Directive)
    nodes = tuple(
        msgspec.structs.replace(one, drain_deadline=one.drain_deadline and 1) for one in said.nodes
    )
    late = msgspec.structs.replace(said, nodes=nodes)
    running.redis.set(keys.directive(BOT), msgspec.json.encode(late))


def test_a_group_that_is_deleted_waits_until_nobody_plays_on_it(running: Stage) -> None:
    running.run("scale", "lln", "berlin", "--replicas=1")
    running.until(lambda: running.pods("node") == ["berlin-0"], "a node")
    running.players = 3
    running.until(lambda: running.get("lln", "berlin")["status"]["players"] == 3, "players")

    running.run("delete", "lln", "berlin", "--wait=false")

    running.until(lambda: b'"drain_deadline"' in directive(running), "a drain")
    assert running.pods("node") == ["berlin-0"]

    running.players = 0
    running.until(
        lambda: running.items("lln") == running.items("statefulsets") == [],
        "an end once nobody plays",
    )
