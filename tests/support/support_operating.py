"""An operator at a real API server where no machine runs a pod, for scenarios without machines.

What a kubelet would say of pods and what the services would report is done here, at each look.
"""

import contextlib
import http.client
import json
import os
import ssl
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import redis

import support_tokens
from legato.contracts import keys
from legato.contracts.fleet import Directive, Observed, ObservedNode
from legato.embedded.child import Child, Program
from legato_cluster import audit
from legato_cluster.control_plane import ControlPlane
from legato_operator.cluster import MANAGER
from support_servers import Breakable, breakable_valkey, end
from support_waiting import PATIENCE

Json = Any
SHARDS = 2
PARTITIONS = 32
COMPONENT = "app.kubernetes.io/component"
LOGICAL = "application/merge-patch+json"
LATER = frozenset({429, 500, 503, 504})
"""What an API server answers that has too much to do at the moment."""


class Api:
    """The API server, asked without a kubectl for each question."""

    def __init__(self, cluster: ControlPlane) -> None:
        self._address = urllib.parse.urlsplit(cluster.url)
        folder = cluster.folder
        self._trust = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self._trust.load_cert_chain(folder / "admin.crt", folder / "admin.key")

    def call(self, method: str, path: str, body: Json = None, content: str = LOGICAL) -> Json:
        """Make one call; None where the object is not there, or somebody was faster."""
        deadline = time.monotonic() + PATIENCE
        while (status := (said := self._answer(method, path, body, content))[0]) in LATER:
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        assert status < 400 or status in {404, 409}, said
        return json.loads(said[1] or b"{}") if status < 400 else None

    def history(self, path: str, name: str, since: str) -> list[Json]:
        """List what an object has become after a version of it, each time that it was written."""
        now = self.call("GET", f"{path}/{name}")["metadata"]["resourceVersion"]
        asked = {
            "watch": "true",
            "resourceVersion": since,
            "fieldSelector": f"metadata.name={name}",
        }
        found: list[Json] = []
        with contextlib.closing(self._link()) as link:
            link.request("GET", f"{path}?{urllib.parse.urlencode(asked)}")
            lines = iter(link.getresponse())
            while since != now:
                event = json.loads(next(lines))
                assert event["type"] == "MODIFIED", event
                found.append(event["object"])
                since = event["object"]["metadata"]["resourceVersion"]
        return found

    def _answer(self, method: str, path: str, body: Json, content: str) -> tuple[int, bytes]:
        text = None if body is None else json.dumps(body)
        with contextlib.closing(self._link()) as link:
            link.request(method, path, body=text, headers={"Content-Type": content})
            answer = link.getresponse()
            return answer.status, answer.read()

    def _link(self) -> http.client.HTTPSConnection:
        host, port = self._address.hostname or "", self._address.port
        return http.client.HTTPSConnection(host, port, context=self._trust, timeout=PATIENCE)

    def items(self, path: str, selector: str = "") -> list[Json]:
        """List a collection."""
        query = f"?labelSelector={urllib.parse.quote(selector)}" if selector else ""
        found = self.call("GET", path + query)
        return list(found["items"]) if found else []


@dataclass
class Bot:
    """One MusicBot's services, as they would report."""

    name: str
    application: int
    players: dict[str, int] = field(default_factory=dict)
    """Node -> players."""

    def act(self, said: Directive) -> None:
        """Leave where the bot is deleted, and move off nodes that are drained."""
        if said.closing is True:
            self.players = {}
        taking = [one.name for one in said.nodes if not one.cordoned]
        for one in said.nodes:
            if one.drain_deadline and taking and self.players.get(one.name):
                moved = self.players.pop(one.name)
                self.players[taking[0]] = self.players.get(taking[0], 0) + moved


@dataclass
class Stage:
    """A control plane with an operator, a Redis, and what answers as Discord does."""

    cluster: ControlPlane
    api: Api
    server: Breakable
    discord: support_tokens.Discord
    operator: Child
    log: Path

    @property
    def redis(self) -> redis.Redis:
        """Reach the bots' Redis."""
        return redis.Redis.from_url(self.server.url)


@dataclass
class Room:
    """One namespace of it."""

    stage: Stage
    name: str
    bots: list[Bot] = field(default_factory=list)
    broken: dict[str, Json] = field(default_factory=dict)
    """A part of a pod's name -> what the kubelet says of its container instead of running it.

    A pod that runs already runs on."""
    kubelet: bool = True
    _pods: list[Json] = field(default_factory=list)

    def run(self, *words: str, stdin: str = "") -> str:
        """Run kubectl here."""
        done = self.stage.cluster.kubectl("-n", self.name, *words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, *documents: Json) -> None:
        """Apply resources."""
        text = "\n---\n".join(json.dumps(one) for one in documents)
        self.run("apply", "--server-side", "-f", "-", stdin=text)

    def path(self, kind: str, name: str = "") -> str:
        """Say where a kind is: `apis/apps/v1/deployments`."""
        api, _, plural = kind.rpartition("/")
        return "/".join(x for x in (f"/{api}/namespaces/{self.name}", plural, name) if x)

    def get(self, kind: str, name: str) -> Json:
        """Read an object; None where it is not there."""
        return self.stage.api.call("GET", self.path(kind, name))

    def items(self, kind: str, selector: str = "") -> list[Json]:
        """List a kind."""
        return self.stage.api.items(self.path(kind), selector)

    def names(self, kind: str) -> list[str]:
        """Name all of a kind."""
        return sorted(one["metadata"]["name"] for one in self.items(kind))

    def condition(self, kind: str, name: str, type_: str) -> tuple[str, str, str]:
        """Read a condition: status, reason, message."""
        found = self.get(f"apis/legato.dev/v1beta1/{kind}", name) or {}
        for one in found.get("status", {}).get("conditions", []):
            if one["type"] == type_:
                return one["status"], one["reason"], one["message"]
        return "", "", ""

    def ready(self, name: str, kind: str = "musicbots") -> bool:
        """Say whether a resource is fine."""
        return self.condition(kind, name, "Ready")[0] == "True"

    def directive(self, bot: Bot) -> Directive:
        """Read what the operator wants of a bot's services."""
        raw = self.stage.redis.get(keys.directive(bot.application))
        return msgspec.json.decode(raw, type=Directive) if raw else Directive(version=0)

    def looks(self, kind: str, name: str) -> int:
        """Count how often the operator has looked at a resource, by the audit log."""
        path = f'"requestURI":"{self.path(f"apis/legato.dev/v1beta1/{kind}", name)}"'
        words = (path, '"verb":"get"', f'"userAgent":"{MANAGER}"')
        lines = audit.lines(self.stage.cluster.audit_log)
        return sum(all(word in line for word in words) for line in lines)

    def looked(self, kind: str, name: str, times: int = 3) -> None:
        """Wait until the operator has looked at a resource a few times more."""
        wanted = self.looks(kind, name) + times
        self.until(lambda: self.looks(kind, name) >= wanted, f"{times} looks at {name}")

    def until(self, look: Callable[[], object], what: str) -> None:
        """Look until something is so, while pods come and services report."""
        deadline = time.monotonic() + 2 * PATIENCE
        while not look():
            self.turn()
            words = self.stage.operator.last_words()
            assert time.monotonic() < deadline, f"never: {what}; {words}"
            assert self.stage.operator.code is None, words
            time.sleep(0.2)

    def turn(self) -> None:
        """Do what a kubelet and the services do."""
        if self.kubelet:
            self._pods = self.items("api/v1/pods")
            for pod in self._pods:
                self._live(pod)
        for bot in self.bots:
            self._report(bot)

    def pods(self, component: str, bot: str = "") -> list[str]:
        """Name the pods of a component that answer."""
        return [
            pod["metadata"]["name"]
            for pod in self._pods
            if pod["metadata"]["labels"].get(COMPONENT) == component
            and (not bot or pod["metadata"]["labels"].get("legato.dev/bot") == bot)
            and pod.get("status", {}).get("phase") == "Running"
        ]

    def _live(self, pod: Json) -> None:
        name, status = pod["metadata"]["name"], pod.get("status", {})
        wrong = next((one for part, one in self.broken.items() if part in name), None)
        if status.get("phase") == "Running":
            return
        ends = pod["spec"]["restartPolicy"] != "Always"
        if wrong is not None:
            container = {"name": "c", "image": "i", "imageID": "", "ready": False}
            container |= {"restartCount": 0, "state": {"waiting": wrong}}
            wanted: Json = {"phase": "Pending", "containerStatuses": [container]}
        elif ends:
            wanted = {"phase": "Succeeded"}
        else:
            ready = [{"type": "Ready", "status": "True"}]
            wanted = {"phase": "Running", "conditions": ready, "containerStatuses": None}
        if status.get("phase") == wanted["phase"] and (wrong is None or _says(status, wrong)):
            return
        path = self.path("api/v1/pods", f"{name}/status")
        self.stage.api.call("PATCH", path, {"status": wanted})

    def _report(self, bot: Bot) -> None:
        said = self.directive(bot)
        bot.act(said)
        store, at = self.stage.redis, int(time.time() * 1000)
        number = bot.application
        shards = int(store.hget(keys.layout(number), "shards") or 0)
        for component, total in (("gateway", shards), ("audio", PARTITIONS)):
            members = sorted(self.pods(component, bot.name))
            for known in store.hkeys(keys.observed(number)):
                text = known if isinstance(known, str) else known.decode()
                kind, _, member = text.partition(":")
                if kind == component and member not in members:
                    store.hdel(keys.observed(number), known)  # who ends says so
            owner = next((one for one in members if said.weight(one)), None)
            for member in members:
                held = range(total if member == owner else 0)
                mark = "s" if component == "gateway" else "europe:p"
                things = tuple(f"{number}:{mark}{n}" for n in held)
                audio = component == "audio"
                counts = bot.players.items() if audio and member == owner else ()
                one = Observed(
                    member=member,
                    component=component,
                    at=at,
                    directive_version=said.version,
                    nodes=tuple(ObservedNode(name=name, players=count) for name, count in counts),
                    partitions=things if audio else (),
                    shards=() if audio else things,
                    connected=() if audio else things,
                )
                store.hset(keys.observed(number), one.field, msgspec.json.encode(one))


def _says(status: Json, wrong: Json) -> bool:
    said = status.get("containerStatuses") or [{}]
    return bool(said[0].get("state", {}).get("waiting", {}).get("reason") == wrong["reason"])


def music_bot(room: Room, bot: Bot, **spec: Json) -> Json:
    """Make a MusicBot as small as can be, whose Secrets are there."""
    body = {
        "applicationId": str(bot.application),
        "tokenSecretRef": {"name": bot.name, "key": "token"},
        "regions": [{"name": "europe"}],
        "gateway": {"shards": SHARDS},
        "database": {"urlSecretRef": {"name": bot.name, "key": "postgres"}},
        "redis": {"urlSecretRef": {"name": bot.name, "key": "redis"}},
    }
    room.bots.append(bot)
    return _resource("MusicBot", bot.name, body | spec)


def lavalink_node(name: str = "berlin", **spec: Json) -> Json:
    """Make a LavalinkNode."""
    return _resource("LavalinkNode", name, {"region": "europe", "replicas": 1} | spec)


def secret(room: Room, bot: Bot, **changed: str) -> Json:
    """Make a bot's Secret."""
    known = {
        "token": f"token-{bot.application}",
        "postgres": "postgresql://postgres/music",
        "redis": room.stage.server.url,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": bot.name},
        "stringData": known | changed,
    }


def _resource(kind: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": "legato.dev/v1beta1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


@contextmanager
def operating(
    cluster: ControlPlane, folder: Path, kubeconfig: Path, settings: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """Run an operator for a cluster; it must end in order, without a fault."""
    log = folder / "operator.log"
    with breakable_valkey() as server, support_tokens.discord() as discord:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(Path.home()),
            "KUBECONFIG": str(kubeconfig),
            "LOOK_AGAIN": "2s",
            "OPERATOR_PORT": "0",
            "DISCORD_REST_URL": discord.url,
            "CHECK_TOKENS_EVERY": "10s",
            "LEASE_DURATION": "60s",
            "LEASE_RENEW_WITHIN": "40s",
            **(settings or {}),
        }
        command = (sys.executable, "-m", "legato_operator")
        operator = Child.start(Program("operator", command, log, environment=environment))
        try:
            yield Stage(cluster, Api(cluster), server, discord, operator, log)
            alive = operator.code is None
        finally:
            end(operator)
        assert alive, operator.last_words()
        assert "Traceback" not in log.read_text()


def settled(room: Room, bots: list[Bot], *groups: Json, **spec: Json) -> None:
    """Bring bots and their nodes up, until all of it is fine."""
    made = room.stage.cluster.kubectl("create", "namespace", room.name)
    assert made.returncode == 0 or "AlreadyExists" in made.stderr, made.stderr
    for bot in bots:
        room.stage.redis.hset(keys.layout(bot.application), "shards", str(SHARDS))
    room.apply(*(secret(room, bot) for bot in bots), *groups)
    room.apply(*(music_bot(room, bot, **spec) for bot in bots))
    for group in groups:
        name = group["metadata"]["name"]
        room.until(lambda name=name: room.ready(name, "lavalinknodes"), f"{name} is ready")  # type: ignore[misc]
    for bot in bots:
        room.until(lambda bot=bot: room.ready(bot.name), f"{bot.name} is ready")  # type: ignore[misc]
