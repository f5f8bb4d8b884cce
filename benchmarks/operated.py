"""Many bots on a control plane, operated by a process; measures nothing.

No machine runs a pod, so that nothing but the operator takes its time. What a kubelet and the bots'
services would report is written once, so that every bot is at rest.
"""

import contextlib
import json
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import redis

from benchmarks.catalogue import ROOT
from legato.contracts import keys
from legato.contracts.fleet import Observed
from legato.contracts.partitions import DEFAULT_COUNT
from legato.embedded.child import Child, Program
from legato_cluster import binaries
from legato_cluster.control_plane import ControlPlane
from support_operating import COMPONENT, Api
from support_servers import end, running_valkey

PATIENCE = 480.0
SHARDS = 2
FIRST = 10**17
"""The first application; they have long numbers."""
HOUR_MS = 3_600_000
"""What is reported stays fresh for so long."""
SPACE = "/api/v1/namespaces/music"
BOTS = "/apis/legato.dev/v1beta1/namespaces/music/musicbots"
APPLY = "application/apply-patch+yaml"
Json = Any


@dataclass
class Stage:
    """A cluster, an operator, and the bots in it."""

    cluster: ControlPlane
    api: Api
    url: str
    """Of the bots' Redis."""
    folder: pathlib.Path
    bots: int
    operator: Child = field(init=False)

    def names(self) -> list[str]:
        """Name the bots."""
        return [f"bot-{number}" for number in range(self.bots)]

    def start(self) -> None:
        """Begin to operate."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(pathlib.Path.home()),
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "OPERATOR_PORT": "0",
            "CHECK_TOKENS": "false",
        }
        command = (sys.executable, "-m", "legato_operator")
        log = self.folder / "operator.log"
        self.operator = Child.start(Program("operator", command, log, environment=environment))

    def calls(self) -> list[Json]:
        """Read the operator's calls, as the API server noted them; watches and its Lease aside."""
        entries = map(json.loads, self.cluster.audit_log.read_text().splitlines())
        return [
            one
            for one in entries
            if one.get("userAgent") == "legato-operator"
            and one["verb"] != "watch"
            and one.get("objectRef", {}).get("resource") != "leases"
        ]

    def until(self, look: Callable[[], object], what: str) -> None:
        """Look until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not look():
            if self.operator.code is not None or time.monotonic() > deadline:
                raise RuntimeError(f"never: {what}; {self.operator.last_words()}")
            time.sleep(2)  # each look lists hundreds of objects

    def all_ready(self) -> bool:
        """Say whether every bot lacks nothing but nodes, and nothing of it is in progress."""
        listed = [one.get("status", {}) for one in self.api.items(BOTS)]
        return len(listed) == self.bots and all(_at_rest(one) for one in listed)


def _at_rest(status: Json) -> bool:
    said = {one["type"]: one["reason"] for one in status.get("conditions", [])}
    return said.get("Ready") == "NoNodes" and not status.get("inProgress")


@contextlib.contextmanager
def operated(bots: int) -> Iterator[Stage]:
    """Operate so many bots that are at rest."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ControlPlane(binaries.folder()) as cluster,
        running_valkey() as valkey,
    ):
        crds = str(ROOT / "crds")
        cluster.kubectl("apply", "--server-side", "-f", crds)
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
        cluster.kubectl("create", "namespace", "music")
        stage = Stage(cluster, Api(cluster), valkey.url, pathlib.Path(folder), bots)
        stage.start()
        try:
            _make(stage)
            yield stage
        finally:
            end(stage.operator)


def _make(stage: Stage) -> None:
    """Make the bots, and say of their pods what would be so if they ran."""
    content = {"token": "t", "postgres": "postgresql://postgres/music", "redis": stage.url}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "all"}}
    path = f"{SPACE}/secrets/all?fieldManager=bench"
    stage.api.call("PATCH", path, secret | {"stringData": content}, APPLY)
    with redis.Redis.from_url(stage.url) as store:
        for place, name in enumerate(stage.names()):
            store.hset(keys.layout(FIRST + place), "shards", str(SHARDS))
            _apply(stage, name, place)
        kubelet = _Kubelet(stage, store)
        stage.until(lambda: kubelet.turn() and stage.all_ready(), "every bot at rest")


def _apply(stage: Stage, name: str, place: int) -> None:
    spec = {
        "applicationId": str(FIRST + place),
        "tokenSecretRef": {"name": "all", "key": "token"},
        "regions": [{"name": "europe"}],
        "database": {"urlSecretRef": {"name": "all", "key": "postgres"}},
        "redis": {"urlSecretRef": {"name": "all", "key": "redis"}},
    }
    document = {
        "apiVersion": "legato.dev/v1beta1",
        "kind": "MusicBot",
        "metadata": {"name": name, "namespace": "music"},
        "spec": spec,
    }
    stage.api.call("PATCH", f"{BOTS}/{name}?fieldManager=bench", document, APPLY)


@dataclass
class _Kubelet:
    """Says of every pod that it runs, or that its work is done, and what it would report."""

    stage: Stage
    store: redis.Redis
    _done: set[str] = field(default_factory=set)
    _holds: set[tuple[str, str]] = field(default_factory=set)
    """Of which component of which bot a pod holds everything."""

    def turn(self) -> bool:
        """Do so for those that came; say whether none did."""
        found = self.stage.api.items(f"{SPACE}/pods")
        new = [one for one in found if one["metadata"]["name"] not in self._done]
        for pod in new:
            self._live(pod)
            self._done.add(pod["metadata"]["name"])
        return bool(found) and not new

    def _live(self, pod: Json) -> None:
        name, labels = pod["metadata"]["name"], pod["metadata"]["labels"]
        if pod["spec"]["restartPolicy"] != "Always":
            status: Json = {"phase": "Succeeded"}
        else:
            status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            self._report(name, labels[COMPONENT], labels["legato.dev/bot"])
        self.stage.api.call("PATCH", f"{SPACE}/pods/{name}/status", {"status": status})

    def _report(self, name: str, component: str, bot: str) -> None:
        """Have the first pod of a kind hold everything."""
        number = FIRST + int(bot.rpartition("-")[2])
        shards = tuple(f"{number}:s{one}" for one in range(SHARDS))
        partitions = tuple(f"{number}:europe:p{one}" for one in range(DEFAULT_COUNT))
        is_first = (component, bot) not in self._holds
        self._holds.add((component, bot))
        one = Observed(
            member=name,
            component=component,
            at=int(time.time() * 1000) + HOUR_MS,
            directive_version=1,
            shards=shards if is_first and component == "gateway" else (),
            partitions=partitions if is_first and component == "audio" else (),
        )
        if component in {"gateway", "audio"}:
            self.store.hset(keys.observed(number), one.field, msgspec.json.encode(one))
