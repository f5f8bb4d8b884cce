"""What operating many bots costs: from a changed spec to its report, calls, memory, processor.

A real API server, and the operator as a process; no machine runs a pod, so that what is measured is
the operator. Every bot has its children, and a migration that is done.
"""

import contextlib
import json
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import redis

from benchmarks import processes
from benchmarks.catalogue import ROOT
from benchmarks.measured import Benchmark, Measured, Row, percentile
from legato.contracts import keys
from legato.embedded.child import Child, Program
from legato_cluster import binaries
from legato_cluster.control_plane import ControlPlane
from support_operating import Api
from support_servers import end, running_valkey

MANY, FEW = 200, 10
CHANGES, FEW_CHANGES = 100, 20
IDLE, SHORT_IDLE = 60.0, 20.0
PATIENCE = 600.0
FIRST = 10**17
"""The first application; they have long numbers."""
SPACE = "/api/v1/namespaces/music"
BOTS = "/apis/legato.dev/v1beta1/namespaces/music/musicbots"
APPLY = "application/apply-patch+yaml"
MOST_P99, MOST_MEMORY = 5.0, 150.0
Json = Any


@dataclass(frozen=True, slots=True)
class Stage:
    """A cluster, an operator, and the bots in it."""

    cluster: ControlPlane
    api: Api
    operator: Child
    bots: int

    def names(self) -> list[str]:
        """Name the bots."""
        return [f"bot-{number}" for number in range(self.bots)]

    def lines(self) -> list[Json]:
        """Read the operator's calls, as the API server noted them; its Lease aside."""
        entries = map(json.loads, self.cluster.audit_log.read_text().splitlines())
        return [
            one
            for one in entries
            if one.get("userAgent") == "legato-operator"
            and one.get("objectRef", {}).get("resource") != "leases"
        ]


def _until(look: Callable[[], object], what: str, operator: Child) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        if operator.code is not None or time.monotonic() > deadline:
            raise RuntimeError(f"never: {what}; {operator.last_words()}")
        time.sleep(2)  # each look lists hundreds of pods


@contextlib.contextmanager
def _operated(bots: int) -> Iterator[Stage]:
    with (
        tempfile.TemporaryDirectory() as folder,
        ControlPlane(binaries.folder()) as cluster,
        running_valkey() as valkey,
    ):
        crds = str(ROOT / "crds")
        cluster.kubectl("apply", "--server-side", "-f", crds)
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
        cluster.kubectl("create", "namespace", "music")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(pathlib.Path.home()),
            "KUBECONFIG": str(cluster.kubeconfig),
            "OPERATOR_PORT": "0",
            "CHECK_TOKENS": "false",
        }
        command = (sys.executable, "-m", "legato_operator")
        log = pathlib.Path(folder) / "operator.log"
        operator = Child.start(Program("operator", command, log, environment=environment))
        try:
            stage = Stage(cluster, Api(cluster), operator, bots)
            _make(stage, valkey.url)
            yield stage
        finally:
            end(operator)


def _make(stage: Stage, url: str) -> None:
    """Make the bots, and say of their migrations that they are done."""
    content = {"token": "t", "postgres": "postgresql://postgres/music", "redis": url}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "all"}}
    path = f"{SPACE}/secrets/all?fieldManager=bench"
    stage.api.call("PATCH", path, secret | {"stringData": content}, APPLY)
    with redis.Redis.from_url(url) as store:
        for place, name in enumerate(stage.names()):
            store.hset(keys.layout(FIRST + place), "shards", "2")
            _apply(stage, name, place)
    done: set[str] = set()

    def all_migrated() -> bool:
        for pod in stage.api.items(f"{SPACE}/pods", "app.kubernetes.io/component=migrate"):
            name = pod["metadata"]["name"]
            if name not in done:
                status = {"status": {"phase": "Succeeded"}}
                stage.api.call("PATCH", f"{SPACE}/pods/{name}/status", status)
                done.add(name)
        listed = stage.api.items(f"{SPACE}/pods", "app.kubernetes.io/component=gateway")
        return len(listed) >= stage.bots

    _until(all_migrated, "gateways of every bot", stage.operator)


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


def _changes(stage: Stage, count: int) -> list[float]:
    """Change one bot after the other, and wait each time until that is reported."""
    took = []
    for number in range(count):
        name = stage.names()[number % stage.bots]
        change = {"spec": {"gateway": {"maxHandovers": 3 + number // stage.bots}}}
        began = time.monotonic()
        wanted = stage.api.call("PATCH", f"{BOTS}/{name}", change)["metadata"]["generation"]
        while True:
            found = stage.api.call("GET", f"{BOTS}/{name}")
            if found.get("status", {}).get("observedGeneration") == wanted:
                break
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"{name} was never looked at; {stage.operator.last_words()}")
            time.sleep(0.01)
        took.append(time.monotonic() - began)
    return took


def _idle(stage: Stage, seconds: float) -> tuple[Row, ...]:
    """Leave everything alone, and count what the operator does."""
    time.sleep(seconds / 2)  # what changed last is looked at
    before, spent = len(stage.lines()), processes.own_seconds(stage.operator.pid)
    began = time.monotonic()
    time.sleep(seconds)
    wall = time.monotonic() - began
    share = (processes.own_seconds(stage.operator.pid) - spent) / wall
    lines = stage.lines()[before:]
    looks = sum(
        one["verb"] == "get" and one["objectRef"]["resource"] == "musicbots" for one in lines
    )
    calls = [one for one in lines if one["verb"] != "watch"]
    writes = sum(one["verb"] not in {"get", "list"} for one in calls)
    said = f"{looks} looks in {wall:.0f} s, {writes} writes"
    each = len(calls) / max(1, looks)
    return (
        Row(what="idle: API calls per look", figure=round(each, 2), unit="calls", note=said),
        Row(what="idle: processor", figure=round(100 * share, 1), unit="% of a core"),
    )


async def measure(quick: bool) -> Measured:
    """Measure it; its programs are started from this thread, which they end with."""
    with _operated(FEW if quick else MANY) as stage:
        idle = _idle(stage, SHORT_IDLE if quick else IDLE)
        took = _changes(stage, FEW_CHANGES if quick else CHANGES)
        memory = processes.resident(stage.operator.pid) / (1 << 20)
        bots = f"{stage.bots} bots"
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    return Measured(
        rows=(
            Row(what="spec changed → reported, p50", figure=round(p50, 2), unit="s", note=bots),
            Row(
                what="spec changed → reported, p99",
                figure=round(p99, 2),
                unit="s",
                most=MOST_P99,
                note=f"{len(took)} changes",
            ),
            *idle,
            Row(what="memory", figure=round(memory), unit="MB", most=MOST_MEMORY, note=bots),
        )
    )


BENCHMARK = Benchmark(
    shows="What operating 200 bots costs, on a real API server without machines.",
    measure=measure,
    limit=780,
    quick_limit=240,
)
