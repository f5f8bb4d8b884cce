"""A Prometheus that reads whom it is told to. Knows no metric.

Either on loopback, each second, whom a file names; or on a cluster's network, whom the monitors
there choose. Like every program here it ends with the process that started it; start it from the
main thread.
"""

import contextlib
import dataclasses
import json
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from legato.embedded.child import Child
from legato.embedded.ports import LOOPBACK, Claims
from legato_cluster import binaries, monitors, waiting
from legato_cluster.cluster import ADDRESS, Cluster
from legato_cluster.control_plane import Start, start_here
from legato_cluster.sweeper import Sweeper

INTERVAL = 1
"""Seconds between two readings of a target."""
PORT = 9090
"""On a cluster's network."""
INSIDE = f"http://{ADDRESS}:{PORT}"
"""Where a cluster's pods find it, once it runs."""
RESOURCES = "podmonitors,servicemonitors,prometheusrules"
Json = Any


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Whom it reads, and the labels that it adds to what it reads there."""

    address: str
    """HOST:PORT."""
    job: str = "legato"
    path: str = "/metrics"
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Server:
    """A server of its own data; it can be stopped and started again on the same address."""

    def __init__(self, program: Path, listens: str, url: str, *, start: Start = start_here) -> None:
        """`listens`: HOST:PORT where it runs; `url`: how this process reaches that."""
        self._program, self._listens, self._run = program, listens, start
        self.url = url
        self.folder = Path(tempfile.mkdtemp(prefix="legato-prometheus-"))
        self._sweeper = Sweeper(self.folder)
        self._child: Child | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        """Start it, and wait until it answers queries."""
        options = (
            f"--config.file={self.folder / 'prometheus.json'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self._listens}",
            "--storage.tsdb.retention.time=1d",
            "--log.level=warn",
        )
        log = self.folder / "prometheus.log"
        self._child = self._run("prometheus", (str(self._program), *options), log)
        waiting.until(self._is_ready, "Prometheus", running=[self._child])

    def stop(self) -> None:
        """End it at once; what it has read so far is kept for the next start."""
        if self._child is None:
            return
        waiting.ended([self._child])
        self._child = None

    def end(self) -> None:
        """End it, and remove what it wrote."""
        self.stop()
        self._sweeper.close()

    def query(self, words: str) -> Sequence[tuple[Mapping[str, str], float]]:
        """Ask an instant query; give each series' labels and value."""
        result = self.get("query", query=words)["result"]
        return [(one["metric"], float(one["value"][1])) for one in result]

    def get(self, what: str, **parameters: str) -> Json:
        """Ask a page of its HTTP API for its data."""
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def firing(self, alert: str) -> list[Mapping[str, str]]:
        """List what an alert fires for, by labels."""
        found = self.get("alerts")["alerts"]
        return [
            one["labels"]
            for one in found
            if one["state"] == "firing" and one["labels"]["alertname"] == alert
        ]

    def configure(self, scraped: Sequence[Json], rules: str) -> None:
        """Say whom it reads, and what it evaluates, from its next start on."""
        (self.folder / "rules.yaml").write_text(rules or "groups: []")
        pace = f"{INTERVAL}s"
        every = {"scrape_interval": pace, "scrape_timeout": pace, "evaluation_interval": pace}
        settings = {
            "global": every,
            "rule_files": [str(self.folder / "rules.yaml")],
            "scrape_configs": scraped,
        }
        (self.folder / "prometheus.json").write_text(json.dumps(settings))

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
            return True
        return False


class Prometheus(Server):
    """One on loopback, told whom to read by a file."""

    def __init__(self, program: Path, targets: Iterable[Target] = (), rules: str = "") -> None:
        self._claims = Claims()
        port = self._claims.free()
        super().__init__(program, f"{LOOPBACK}:{port}", f"http://{LOOPBACK}:{port}")
        files = [str(self.folder / "targets.json")]
        found = [{"files": files, "refresh_interval": f"{INTERVAL}s"}]
        self.configure([{"job_name": "files", "file_sd_configs": found}], rules)
        self.read(targets)

    def read(self, targets: Iterable[Target]) -> None:
        """Read these targets from now on, and no others; it notices after 5 s at most."""
        groups = [
            {
                "targets": [one.address],
                "labels": {"job": one.job, "__metrics_path__": one.path, **one.labels},
            }
            for one in targets
        ]
        fresh = self.folder / "targets.new"
        fresh.write_text(json.dumps(groups))
        fresh.rename(self.folder / "targets.json")

    def end(self) -> None:
        """End it, and remove what it wrote."""
        super().end()
        self._claims.close()


@contextlib.contextmanager
def running(targets: Iterable[Target] = (), rules: str = "") -> Iterator[Prometheus]:
    """Run a fresh one, built if need be; NoCluster says why not."""
    with Prometheus(_program(), targets, rules) as one:
        yield one


@contextlib.contextmanager
def on_network(cluster: Cluster) -> Iterator[Server]:
    """Run one at INSIDE that reads what a cluster's monitors choose, and evaluates its rules."""
    url = f"http://{LOOPBACK}:{cluster.reach(ADDRESS, PORT)}"
    listed = json.loads(cluster.run("get", RESOURCES, "--all-namespaces", "-o", "json"))["items"]
    kubeconfig = cluster.control.admit("prometheus", "prometheus", group="system:masters")
    rules = [one for one in listed if one["kind"] == "PrometheusRule"]
    chosen = [one for one in listed if one["kind"] != "PrometheusRule"]
    server = Server(_program(), f"{ADDRESS}:{PORT}", url, start=cluster.start)
    server.configure(monitors.scraped(chosen, str(kubeconfig)), json.dumps(monitors.rules(rules)))
    with server as one:
        yield one


def _program() -> Path:
    return binaries.built(binaries.PROMETHEUS) / "prometheus"
