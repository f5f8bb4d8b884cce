"""Legato installed on a cluster as a person would: servers, chart, one LavalinkNode, one MusicBot.

Discord is the chart's simulator. What plays may be put on a machine of its own, which can then be
drained or lose its power while the servers, the operator and the listener stay.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from legato.embedded.ports import LOOPBACK
from legato_cluster import prometheus, rest, waiting
from legato_cluster.cluster import PATIENCE, Cluster
from legato_cluster.problems import NotStarted
from legato_machine.room import Hall
from legato_simulator import bots
from legato_simulator.client import SimulatorClient
from legato_simulator.voice_client import VoiceClient

ROOT = Path(__file__).parents[2]
SPACE = "music"
REPOSITORY = "docker.io/library/legato"
IMAGE = f"{REPOSITORY}:test"
SIMULATOR = f"legato-simulator.{SPACE}.svc:8123"
BOT_ID = 123456789012345678
BOT, NODES = "melody", "berlin"
TRUSTED = {"caSecretRef": {"name": "legato-simulator", "key": "ca.pem"}}
PLAYS = f"app.kubernetes.io/part-of=legato,{rest.COMPONENT} in ({','.join(rest.PLAYING)})"
TICK = 0.5
"""Seconds between two looks at all of it."""
SHARE = "200m"
"""Of the processor, for a node as for the control stream beside it, so that both are late alike."""
Json = Any


class Platform:
    """A bot that is ready, and the Discord it serves."""

    def __init__(
        self, cluster: Cluster, http: aiohttp.ClientSession, discord: SimulatorClient
    ) -> None:
        self.cluster = cluster
        self.discord = discord
        self.voice = VoiceClient(http, discord.base)
        self.bot_id = BOT_ID
        self._http = http

    async def make(self, name: str) -> str:
        """Have a piece or tone made beforehand; return its link, as pods reach it."""
        link = f"{self.discord.base}/music/{name}"
        async with self._http.get(link, headers={"Range": "bytes=0-0"}) as answer:
            answer.raise_for_status()
        return f"http://{SIMULATOR}/music/{name}"

    async def hall(self, name: str = "Legato Lounge") -> Hall:
        """Make a guild with one listener in its voice channel."""
        return await Hall.opened(self, name)

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """Run kubectl in the bot's namespace."""
        return self.cluster.run("-n", SPACE, *words, stdin=stdin)

    def change(self, kind: str, name: str, spec: Json) -> None:
        """Merge something into a resource's spec."""
        self.kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    def restore(self) -> None:
        """Undo what a scenario did: every machine runs, and all that plays is on the second."""
        self.cluster.restore()
        self.gather([*self.cluster.machines][1])

    def gather(self, machine: str) -> None:
        """Drain all that plays off every other machine, unless it is well on this one."""
        if not self.unrest(machine):
            return
        others = [other for other in self.cluster.machines if other != machine]
        for other in others:
            self.cluster.drain(other, f"--pod-selector={PLAYS}")
        # What is made anew while a pod ends must not come back to where it was.
        self.settle(machine)
        for other in others:
            self.cluster.uncordon(other)

    def settle(self, machine: str = "") -> None:
        """Wait until nothing is wrong, under way, or elsewhere than on a machine that is named."""
        deadline = time.monotonic() + PATIENCE
        while found := self.unrest(machine):
            if time.monotonic() > deadline:
                raise NotStarted(f"not at rest after {PATIENCE} s: {'; '.join(found)}")
            time.sleep(TICK)

    def unrest(self, machine: str = "") -> list[str]:
        """Say what is wrong, under way, or elsewhere than on a machine that is named."""
        found = json.loads(self.kubectl("get", rest.KINDS, "-o", "json"))["items"]
        return rest.unrest(found, machine)

    def machines(self, component: str) -> set[str]:
        """Say where a component's pods are."""
        return {one["spec"].get("nodeName", "") for one in self.pods(component)}

    def pods(self, component: str) -> list[Json]:
        """List the pods of a component that stay."""
        found = self.kubectl("get", "pods", "-l", f"{rest.COMPONENT}={component}", "-o", "json")
        items = json.loads(found)["items"]
        return [one for one in items if "deletionTimestamp" not in one["metadata"]]


def image() -> Path:
    """Say where the archive of Legato's image is, built if need be; NotStarted says why not."""
    return Path(_run(sys.executable, str(ROOT / "tools/images.py")).splitlines()[-1])


def install(
    cluster: Cluster,
    *,
    nodes: Mapping[str, Json] | None = None,
    bot: Mapping[str, Json] | None = None,
    simulator: Mapping[str, Json] | None = None,
) -> None:
    """Install it on a cluster that holds the image, and wait until it is ready.

    What plays goes to any machine but the first; `nodes` and `bot` are more of the resources'
    specs, `simulator` more of the chart's values for it.
    """
    first, *others = cluster.machines
    cluster.run("create", "namespace", SPACE)
    _know_monitors(cluster)
    for other in others:
        cluster.run("cordon", other)
    token = bots.token_for(BOT_ID)
    cluster.run("-n", SPACE, "create", "-f", "-", stdin=json.dumps(_secret("discord", token)))
    cluster.run("-n", SPACE, "apply", "-f", str(ROOT / "e2e/servers.yaml"))
    _helm(cluster, simulator or {})
    for name in ("postgres", "valkey", "legato-simulator"):
        status = ("rollout", "status", f"deployment/{name}", f"--timeout={PATIENCE}s")
        cluster.run("-n", SPACE, *status)
    for other in others:
        cluster.uncordon(other)
    cluster.run("cordon", first)
    wanted = yaml.safe_dump_all([_nodes(nodes or {}), _bot(bot or {})])
    cluster.run("-n", SPACE, "apply", "-f", "-", stdin=wanted)
    wait_until_ready(cluster)
    cluster.uncordon(first)


@contextlib.asynccontextmanager
async def reached(cluster: Cluster) -> AsyncIterator[Platform]:
    """Open what a test uses of an installed one."""
    async with aiohttp.ClientSession() as http, SimulatorClient(_control(cluster)) as discord:
        yield Platform(cluster, http, discord)


def wait_until_ready(cluster: Cluster) -> None:
    """Wait until both resources say that all is well."""
    both = (f"lavalinknode/{NODES}", f"musicbot/{BOT}")
    cluster.wait("-n", SPACE, "--for=condition=Ready", *both)


def _helm(cluster: Cluster, simulator: Mapping[str, Json]) -> None:
    helm = _run(sys.executable, str(ROOT / "tools/helm.py")).strip()
    said = {
        "image": {"repository": REPOSITORY, "tag": "test"},
        "replicas": 1,
        "lookAgain": "5s",
        # Whatever becomes of the other machines, the operator and the listener stay.
        "nodeSelector": {"kubernetes.io/hostname": next(iter(cluster.machines))},
        "prometheus": {"url": prometheus.INSIDE},
        "simulator": {
            "enabled": True,
            "image": {"repository": REPOSITORY, "tag": "test"},
            "tokenSecret": {"name": "discord"},
            "resources": {"requests": {"cpu": SHARE}},
            **simulator,
        },
    }
    _run(
        helm,
        "install",
        "legato",
        str(ROOT / "charts/legato"),
        f"--namespace={SPACE}",
        f"--kubeconfig={cluster.kubeconfig}",
        "--values=-",
        "--wait",
        f"--timeout={PATIENCE}s",
        stdin=json.dumps(said),
    )


def _know_monitors(cluster: Cluster) -> None:
    """Let the cluster know the kinds of Prometheus' operator, so that they are written."""
    kinds = str(ROOT / "e2e/legato_cluster/monitoring.yaml")
    cluster.run("apply", "-f", kinds)
    # Helm asks what is published, which Established does not say.
    known = ("get", "podmonitors,servicemonitors,prometheusrules", "--all-namespaces")
    waiting.until(lambda: not cluster.kubectl(*known).returncode, "what is published of monitors")


def _secret(name: str, token: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": {"token": token},
    }


def _nodes(more: Mapping[str, Json]) -> Json:
    spec = {
        "region": "europe",
        "replicas": 1,
        "image": IMAGE,
        "resources": {"cpu": SHARE, "memory": "512Mi"},
        "allowedAddresses": [SIMULATOR],
        "podTemplate": TRUSTED,
        **more,
    }
    return _resource("LavalinkNode", NODES, spec)


def _bot(more: Mapping[str, Json]) -> Json:
    spec = {
        "applicationId": str(BOT_ID),
        "image": IMAGE,
        "tokenSecretRef": {"name": "discord", "key": "token"},
        "regions": [{"name": "europe"}],
        "database": {"urlSecretRef": {"name": "postgres", "key": "url"}},
        "redis": {"urlSecretRef": {"name": "redis", "key": "url"}},
        "discord": {
            "restUrl": f"http://{SIMULATOR}/api/v10",
            "allowedAddresses": [SIMULATOR],
        },
        "podTemplate": TRUSTED,
        **more,
    }
    return _resource("MusicBot", BOT, spec)


def _resource(kind: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": "legato.dev/v1beta1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def _control(cluster: Cluster) -> str:
    """Open a way to the simulator's script interface."""
    label = "app.kubernetes.io/component=simulator"
    form = "jsonpath={.items[0].status.podIP}"
    address = cluster.run("-n", SPACE, "get", "pods", "-l", label, "-o", form)
    return f"http://{LOOPBACK}:{cluster.reach(address, 8123)}/control"


def _run(*command: str, stdin: str = "") -> str:
    done = subprocess.run(
        command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotStarted(f"{' '.join(command[:3])}: {done.stderr.strip()[-3000:]}")
    return done.stdout
