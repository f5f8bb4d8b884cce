"""An operator whose real Prometheus has no figure, an old one, an error, or is gone: it holds.

A condition says why, the chart's alert fires, and once there are figures again nothing goes down
before a whole window was answered.
"""

import contextlib
import http.server
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

import support_operating
from legato.embedded.ports import LOOPBACK, Claims
from legato_cluster import prometheus
from legato_cluster.control_plane import ControlPlane
from legato_cluster.prometheus import Prometheus, Target
from support_operating import Bot, Room

KINDS = "apis/legato.dev/v1beta1"
SPACE, NODES = "held", "berlin"
BOT = Bot("melody", 100000000000000201)
ALERT = "LegatoScalingHeld"
ALERTS = Path(__file__).parents[2] / "charts/legato/files/alerts.yaml"
FRESH = "10s"
WINDOW = 8
BRISK = {
    "scaleDown": {
        "stabilizationWindowSeconds": WINDOW,
        "policies": [{"type": "Pods", "value": 4, "periodSeconds": 1}],
    }
}
MANY, FEW = 30, 5
Json = Any
BOTH = {"lavalinknodes": NODES, "musicbots": BOT.name}
COUNTS: dict[str, Callable[[Json], int]] = {
    "lavalinknodes": lambda status: int(status["desiredReplicas"]),
    "musicbots": lambda status: int(status["regions"][0]["audio"]),
}
"""Kind -> how many nodes, or audio pods, are wanted by its status."""


class Server(http.server.ThreadingHTTPServer):
    """Answers on loopback by a method of ours."""

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.server_port}"

    def answer(self, path: str, body: bytes) -> tuple[int, bytes] | None:
        """Say the status and what follows it; None = end the connection without a word."""
        raise AssertionError(path, body)

    def handle_error(self, *_: object) -> None:
        """Who asked may have given up."""

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        length = int(self.headers.get("Content-Length") or 0)
        found = self.server.answer(self.path, self.rfile.read(length))
        if found is None:
            self.close_connection = True
            return
        status, text = found
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815  # http.server asks for this name

    def log_message(self, *_: object) -> None:
        pass


class Page(Server):
    """What the pods would show. Figures have their time, so that a slow reading leaves no gap."""

    players: int | None = None
    frozen_at: float | None = None

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        if self.players is None:
            return 200, b""
        at = int(1000 * (self.frozen_at or time.time()))
        here = f'namespace="{SPACE}"'
        of_bot = f'{here},legato_dev_bot="{BOT.name}",legato_dev_region="europe",state="playing"'
        lines = (
            f'lavalink_playing_players_total{{{here},legato_dev_nodes="{NODES}"}}',
            f"legato_audio_players{{{of_bot}}}",
        )
        return 200, "".join(f"{one} {self.players} {at}\n" for one in lines).encode()


class Front(Server):
    """What the operator asks: it hands on, unless it is broken."""

    behind = ""
    broken = False

    def answer(self, path: str, body: bytes) -> tuple[int, bytes] | None:
        if self.broken:
            return 500, b"oh no"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        asked = urllib.request.Request(f"{self.behind}{path}", body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=30) as found:
                return found.status, found.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()
        except OSError:
            return None


@dataclass(frozen=True)
class World:
    """A namespace whose operator asks a real Prometheus that reads a page."""

    room: Room
    page: Page
    front: Front
    server: Prometheus

    def said(self, type_: str = "ScalingActive") -> set[tuple[str, str, str]]:
        """Read a condition of both resources."""
        return {self.room.condition(kind, name, type_) for kind, name in BOTH.items()}

    def counts(self) -> tuple[int, int]:
        """Say how many nodes and how many audio pods are wanted."""
        found = {kind: self.room.get(f"{KINDS}/{kind}", name) for kind, name in BOTH.items()}
        nodes, pods = (COUNTS[kind](one["status"]) for kind, one in found.items())
        return nodes, pods

    def versions(self) -> dict[str, str]:
        """Say which version each of both resources is in."""
        found = {kind: self.room.get(f"{KINDS}/{kind}", name) for kind, name in BOTH.items()}
        return {kind: one["metadata"]["resourceVersion"] for kind, one in found.items()}

    def answered(self, kind: str, since: str) -> float:
        """Say for how long a resource had followed the load when fewer than three were wanted.

        By what the operator wrote, from a version of it on.
        """
        path = self.room.path(f"{KINDS}/{kind}")
        written = self.room.stage.api.history(path, BOTH[kind], since)
        first = next(one for one in written if COUNTS[kind](one["status"]) < 3)
        (active,) = (c for c in first["status"]["conditions"] if c["type"] == "ScalingActive")
        assert active["status"] == "True"
        owners = first["metadata"]["managedFields"]
        (at,) = (each["time"] for each in owners if each.get("subresource") == "status")
        return _seconds(at) - _seconds(active["lastTransitionTime"])

    def pods(self) -> tuple[int, int]:
        """Say how many pods of nodes and audio there are."""
        return len(self.room.pods("node")), len(self.room.pods("audio"))

    def alerts(self) -> set[str]:
        """Name what the alert fires for."""
        return {one["name"] for one in self.server.firing(ALERT)}

    def holds(self, why: str, count: int) -> None:
        """Wait until both say why they hold so many."""

        def look() -> bool:
            said = self.said()
            return all(
                (status, reason) == ("False", "MetricsUnavailable")
                and why in message
                and message.endswith(f"{count} held")
                for status, reason, message in said
            )

        self.room.until(look, f"both say {why}")


def _seconds(said: str) -> float:
    return datetime.fromisoformat(said).timestamp()


@pytest.fixture(scope="module")
def world(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        page, front, claims = Page(), Front(), Claims()
        stack.callback(page.end)
        stack.callback(front.end)
        stack.callback(claims.close)
        port = claims.free()
        told = {
            "PROMETHEUS_URL": f"http://{front.address}",
            "PROMETHEUS_FRESH": FRESH,
            "PROMETHEUS_TIMEOUT": "30s",
            "OPERATOR_PORT": str(port),
            "OPERATOR_NAMESPACE": "default",
        }
        targets = [
            Target(page.address, "pods"),
            Target(f"{LOOPBACK}:{port}", "operator", labels={"pod": "operator-0"}),
        ]
        server = stack.enter_context(prometheus.running(targets, rules()))
        front.behind = server.url
        folder = tmp_path_factory.mktemp("held")
        operator = support_operating.operating(cluster, folder, cluster.kubeconfig, told)
        room = Room(stack.enter_context(operator), SPACE)
        settle(room)
        yield World(room, page, front, server)


def rules() -> str:
    """Take the chart's alert, without its ten minutes."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    (rule,) = (one for group in groups for one in group["rules"] if one["alert"] == ALERT)
    listed = [{"alert": ALERT, "expr": rule["expr"]}]
    return yaml.safe_dump({"groups": [{"name": "held", "rules": listed}]})


def settle(room: Room) -> None:
    """Bring a bot and nodes up that are scaled."""
    scaling = {"playersPerNode": 10, "freeSlots": 0, "behaviour": BRISK}
    group = support_operating.lavalink_node(NODES, minimum=1, maximum=3, scaling=scaling)
    del group["spec"]["replicas"]
    region = {"name": "europe", "audio": {"minimum": 1, "maximum": 3, "playersPerPod": 10}}
    support_operating.settled(
        room, [BOT], group, regions=[region], scaling={"behaviour": BRISK}, api={"replicas": 0}
    )


def test_it_holds_without_figures_and_goes_down_a_whole_window_after_them(world: World) -> None:
    world.holds("Prometheus has no such series", 1)
    world.room.until(lambda: world.alerts() == {NODES, BOT.name}, "the alert fires for both")

    world.page.players = MANY
    world.room.until(lambda: world.pods() == (3, 3), "three of each")
    world.room.until(lambda: {one[0] for one in world.said()} == {"True"}, "both follow the load")
    world.room.until(lambda: world.alerts() == set(), "the alert is over")

    world.page.frozen_at = time.time()
    world.holds(f"older than {FRESH}", 3)
    world.room.until(lambda: world.alerts() == {NODES, BOT.name}, "the alert fires again")
    world.front.broken = True
    world.holds("Prometheus answered 500", 3)
    world.room.until(lambda: world.alerts() == {NODES, BOT.name}, "the alert still fires")
    world.server.stop()
    world.front.broken = False
    world.holds("Prometheus does not answer", 3)
    assert world.counts() == world.pods() == (3, 3)

    held = world.versions()
    world.page.players, world.page.frozen_at = FEW, None
    world.server.start()
    world.room.until(lambda: world.counts() == (1, 1) and world.pods() == (1, 1), "one of each")
    for kind, since in held.items():
        assert world.answered(kind, since) >= WINDOW - 1, kind  # both times are whole seconds
    world.room.until(lambda: {one[0] for one in world.said("Ready")} == {"True"}, "all is well")
    world.room.until(lambda: world.alerts() == set(), "the alert is over")
