"""A Prometheus on loopback that reads whom it is told to, each second. Knows no metric.

Like every program here it ends with the process that started it; start it from the main thread.
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

from legato.embedded.child import Child, Program
from legato.embedded.ports import LOOPBACK, Claims
from legato_cluster import binaries, waiting
from legato_cluster.sweeper import Sweeper

INTERVAL = 1
"""Seconds between two readings of a target."""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Whom it reads, and the labels that it adds to what it reads there."""

    address: str
    """HOST:PORT."""
    job: str = "legato"
    path: str = "/metrics"
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Prometheus:
    """A server of its own data; it can be stopped and started again on the same address."""

    def __init__(self, program: Path, targets: Iterable[Target] = (), rules: str = "") -> None:
        self._program = program
        self.folder = Path(tempfile.mkdtemp(prefix="legato-prometheus-"))
        self._sweeper = Sweeper(self.folder)
        self._claims = Claims()
        self._port = self._claims.free()
        self._child: Child | None = None
        self._configure(rules)
        self.read(targets)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def url(self) -> str:
        """Say its address, which stays the same over a stop."""
        return f"http://{LOOPBACK}:{self._port}"

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

    def start(self) -> None:
        """Start it, and wait until it answers queries."""
        options = (
            f"--config.file={self.folder / 'prometheus.json'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self._port}",
            "--storage.tsdb.retention.time=1d",
            "--log.level=warn",
        )
        command = (str(self._program), *options)
        log = self.folder / "prometheus.log"
        self._child = Child.start(Program("prometheus", command, log, folder=self.folder))
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
        self._claims.close()
        self._sweeper.close()

    def query(self, words: str) -> Sequence[tuple[Mapping[str, str], float]]:
        """Ask an instant query; give each series' labels and value."""
        result = self._get("query", query=words)["data"]["result"]
        return [(one["metric"], float(one["value"][1])) for one in result]

    def _get(self, what: str, **parameters: str) -> Any:
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)

    def _configure(self, rules: str) -> None:
        (self.folder / "rules.yaml").write_text(rules or "groups: []")
        pace = f"{INTERVAL}s"
        every = {"scrape_interval": pace, "scrape_timeout": pace, "evaluation_interval": pace}
        found = [{"files": [str(self.folder / "targets.json")], "refresh_interval": pace}]
        settings = {
            "global": every,
            "rule_files": [str(self.folder / "rules.yaml")],
            "scrape_configs": [{"job_name": "files", "file_sd_configs": found}],
        }
        (self.folder / "prometheus.json").write_text(json.dumps(settings))

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
            return True
        return False


@contextlib.contextmanager
def running(targets: Iterable[Target] = (), rules: str = "") -> Iterator[Prometheus]:
    """Run a fresh one, built if need be; NoCluster says why not."""
    with Prometheus(binaries.built(binaries.PROMETHEUS) / "prometheus", targets, rules) as one:
        yield one
