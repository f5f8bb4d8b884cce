"""Legato installed on a cluster as a person would: servers, chart, one LavalinkNode, one MusicBot.

Discord is the chart's simulator. What plays may be put on a machine of its own, which can then be
drained or lose its power while the servers, the operator and the listener stay.
"""

import contextlib
import copy
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml

from legato.embedded.ports import LOOPBACK
from legato_cluster import documents, prometheus, rest, waiting
from legato_cluster.cluster import PATIENCE, Cluster
from legato_cluster.documents import BOT, BOT_ID, IMAGE, NODES, REPOSITORY, SPACE, TRUSTED
from legato_cluster.lounge import Lounge
from legato_cluster.problems import NotStarted
from legato_machine.room import Hall
from legato_simulator import bots
from legato_simulator.client import SimulatorClient
from legato_simulator.voice_client import VoiceClient

__all__ = ["BOT", "BOT_ID", "IMAGE", "NODES", "REPOSITORY", "SPACE", "TRUSTED", "Platform"]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/legato"
RELEASE = "legato"
PLAYS = f"app.kubernetes.io/part-of=legato,{rest.COMPONENT} in ({','.join(rest.PLAYING)})"
USUAL_SPACES = {"default", "kube-node-lease", "kube-public", "kube-system", SPACE}
DRAIN = "legato.dev/drain"
"""The annotation of a pod that is to be emptied."""
GONE = ("--ignore-not-found", f"--timeout={PATIENCE}s")
TICK = 0.5
"""Seconds between two looks at all of it."""
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
        self._halls: list[Hall] = []

    def of(self, bot: int) -> Self:
        """See the same platform as another bot of it."""
        other = copy.copy(self)
        other.bot_id = bot
        return other

    async def make(self, name: str) -> str:
        """Have a piece or tone made beforehand; return its link, as pods reach it."""
        link = f"{self.discord.base}/music/{name}"
        async with self._http.get(link, headers={"Range": "bytes=0-0"}) as answer:
            answer.raise_for_status()
        return f"http://{documents.SIMULATOR}/music/{name}"

    async def hall(self, name: str = "Legato Lounge") -> Hall:
        """Make a guild with one listener in its voice channel."""
        hall = await Lounge.opened(self, name)
        self._halls.append(hall)
        return hall

    async def leave(self) -> None:
        """Let bots leave every hall where a scenario that failed left them."""
        for hall in self._halls:
            bot = str(hall.place.bot_id)
            there = [one["user_id"] for one in await self.discord.voice_states(hall.guild.id)]
            # A bot that is no more is in its channel until its sessions expire.
            if bot in there and any(one.connected for one in await self.discord.sessions(bot)):
                await hall.type("leave", timeout=PATIENCE)
        self._halls.clear()

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """Run kubectl in the bot's namespace."""
        return self.cluster.run("-n", SPACE, *words, stdin=stdin)

    def helm(self, *words: str, stdin: str = "") -> str:
        """Run helm in the bot's namespace."""
        return helm(self.cluster, *words, stdin=stdin)

    def change(self, kind: str, name: str, spec: Json) -> None:
        """Merge something into a resource's spec."""
        self.kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    @contextlib.contextmanager
    def changed(self, kind: str, name: str, spec: Json) -> Iterator[None]:
        """Merge something into a resource's spec, which afterwards says again what it said."""
        before = json.loads(self.kubectl("get", kind, name, "-o", "json"))["spec"]
        self.change(kind, name, spec)
        try:
            yield
        finally:
            self._replace(kind, name, before)

    def restore(self) -> None:
        """Undo what a scenario did: everything is as installed, and at rest."""
        self.cluster.restore()
        self._operate_as_installed()
        self._remove_what_was_added()
        for document in (documents.nodes({}), documents.bot({})):
            self._ask_anew(document)
        self._drain_nothing()
        self.settle()

    def _drain_nothing(self) -> None:
        """Take back what a person wrote on pods."""
        for one in (each for component in rest.PLAYING for each in self.pods(component)):
            if DRAIN in one["metadata"].get("annotations", {}):
                self.kubectl("annotate", "pod", one["metadata"]["name"], f"{DRAIN}-")

    def _remove_what_was_added(self) -> None:
        """Delete bots, nodes and namespaces that were not installed."""
        spaces = set(_names(self.kubectl("get", "namespaces", "-o", "name"))) - USUAL_SPACES
        for space in spaces:
            self.cluster.run("delete", "namespace", space, *GONE)
        for kind, ours in documents.KINDS.items():
            for name in set(_names(self.kubectl("get", kind, "-o", "name"))) - {ours}:
                self.kubectl("delete", kind, name, *GONE)

    def _operate_as_installed(self) -> None:
        """Install the operator again where it is gone, or another one than was installed."""
        operator = [one["spec"]["containers"][0]["image"] for one in self.pods("operator")]
        if operator != [IMAGE]:
            _install_chart(self.cluster, {})

    def _ask_anew(self, document: Json) -> None:
        """Ask for what was installed, wherever something else is asked for now."""
        named = (document["kind"], document["metadata"]["name"])
        ends = "jsonpath={.metadata.deletionTimestamp}"
        if self.kubectl("get", *named, "--ignore-not-found", "-o", ends):
            self.kubectl("wait", "--for=delete", *named, f"--timeout={PATIENCE}s")
        if self.kubectl("get", *named, "--ignore-not-found", "-o", "name"):
            # Another password would be one more rollout, and undoes nothing.
            rotation = self.kubectl("get", *named, "-o", "jsonpath={.spec.rotation}")
            kept = {"rotation": int(rotation)} if rotation else {}
            self._replace(*named, document["spec"] | kept)
        else:
            self.kubectl("apply", "-f", "-", stdin=json.dumps(document))

    def _replace(self, kind: str, name: str, spec: Json) -> None:
        whole = [{"op": "replace", "path": "/spec", "value": spec}]
        self.kubectl("patch", kind, name, "--type=json", f"--patch={json.dumps(whole)}")

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
    token = json.dumps(documents.secret("discord", bots.token_for(BOT_ID)))
    cluster.run("-n", SPACE, "create", "-f", "-", stdin=token)
    cluster.run("-n", SPACE, "apply", "-f", str(ROOT / "e2e/servers.yaml"))
    _install_chart(cluster, simulator or {})
    for name in ("postgres", "valkey", "legato-simulator"):
        status = ("rollout", "status", f"deployment/{name}", f"--timeout={PATIENCE}s")
        cluster.run("-n", SPACE, *status)
    for other in others:
        cluster.uncordon(other)
    cluster.run("cordon", first)
    wanted = yaml.safe_dump_all([documents.nodes(nodes or {}), documents.bot(bot or {})])
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


def helm(cluster: Cluster, *words: str, stdin: str = "") -> str:
    """Run helm as a person would, and give what it says; NotStarted when it fails."""
    program = _run(sys.executable, str(ROOT / "tools/helm.py")).strip()
    where = (f"--namespace={SPACE}", f"--kubeconfig={cluster.kubeconfig}")
    return _run(program, *words, *where, stdin=stdin)


def _install_chart(cluster: Cluster, simulator: Mapping[str, Json]) -> None:
    said = documents.values(next(iter(cluster.machines)), prometheus.INSIDE, simulator)
    anew = ("upgrade", RELEASE, str(CHART), "--install", "--reset-values", "--values=-")
    helm(cluster, *anew, "--wait", f"--timeout={PATIENCE}s", stdin=json.dumps(said))


def _names(listed: str) -> list[str]:
    """Read what kubectl lists as kind/name."""
    return [line.partition("/")[2] for line in listed.split()]


def _know_monitors(cluster: Cluster) -> None:
    """Let the cluster know the kinds of Prometheus' operator, so that they are written."""
    kinds = str(ROOT / "e2e/legato_cluster/monitoring.yaml")
    cluster.run("apply", "-f", kinds)
    # Helm asks what is published, which Established does not say.
    known = ("get", "podmonitors,servicemonitors,prometheusrules", "--all-namespaces")
    waiting.until(lambda: not cluster.kubectl(*known).returncode, "what is published of monitors")


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
