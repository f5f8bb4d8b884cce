"""What a look asks before it acts, at an API server and a Redis that say what they are told to."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from legato.contracts.fleet import Directive
from legato_operator import names
from legato_operator.cache import Cache
from legato_operator.changes import Plan
from legato_operator.cluster import Cluster, Event
from legato_operator.desired import pinned
from legato_operator.desired.manifest import Ref, ref
from legato_operator.directive import Fleet
from legato_operator.fleet import NOW, Fleets, Place
from legato_operator.listing import Listed
from legato_operator.look import Shell
from legato_operator.metrics import Metrics
from legato_operator.queue import Key
from legato_operator.reading import Outside
from legato_operator.seen import Bot, Group
from legato_operator.settings import Settings
from legato_operator.watches import Watches
from support_operator import read
from support_operator_model import Model

Json = dict[str, Any]
GROUP = Key("LavalinkNode", "music", "berlin")
BOT = Key("MusicBot", "music", "melody")


@dataclass
class Server(Cluster):
    """Keeps objects, and notes what is written."""

    kept: dict[Ref, Json] = field(default_factory=dict)
    applied: list[Json] = field(default_factory=list)
    merged: list[Ref] = field(default_factory=list)

    async def resource(self, kind: str, namespace: str, name: str) -> Json | None:
        return self.kept.get(Ref(kind, name))

    async def listed(
        self, kind: str, namespace: str, selector: str = "", *, fields: str = ""
    ) -> Listed | None:
        wanted = dict(one.split("=") for one in selector.split(",") if one)
        named = fields.partition("=")[2]
        found = [
            one
            for which, one in self.kept.items()
            if which.kind == kind
            and wanted.items() <= (one["metadata"].get("labels") or {}).items()
            and named in ("", which.name)
        ]
        return Listed(found, "1")

    async def apply(self, manifest: Json) -> Json | None:
        self.applied.append(manifest)
        return None

    async def apply_status(
        self, kind: str, namespace: str, name: str, status: object
    ) -> Json | None:
        return None

    async def merge(self, one: Ref, namespace: str, body: Json, *, uid: str = "") -> Json | None:
        self.merged.append(one)
        return None

    async def watched(
        self, kind: str, namespace: str, selector: str, version: str, *, lasting: int = 290
    ) -> AsyncIterator[Event]:
        return
        yield


@dataclass
class Redis(Fleets):
    """One bot's documents."""

    fleet: Fleet | None = None
    takes: bool = True
    written: list[Directive] = field(default_factory=list)

    async def read(self, place: Place, bot: int, *, within: timedelta = NOW) -> Fleet | None:
        return self.fleet

    async def shards(self, place: Place, bot: int) -> int | None:
        return 16

    async def write(self, place: Place, bot: int, said: Directive) -> bool:
        self.written.append(said)
        return self.takes


class Nobody:
    """Whom transitions are told."""

    async def tell(self, seen: Bot | Group, plan: Plan) -> None:
        """Hear nothing."""


@dataclass
class Room:
    """A model's cluster at a moment, and a shell that looks at it."""

    model: Model

    def __post_init__(self) -> None:
        self.server, self.cache = Server(), Cache()
        self.redis = Redis(fleet=self.model.bot().fleet)
        told = (
            ("smallest_nodes", self.model.node_spec, self.model.node_status),
            ("smallest_bot", self.model.bot_spec, self.model.bot_status),
        )
        for case, spec, status in told:
            said = {"spec": msgspec.to_builtins(spec), "status": msgspec.to_builtins(status)}
            self._keep(read(case) | said)
        for child in self.model.children.values():
            self._keep(child)
        for pod in self.model.pods.values():
            self._keep(pod)
        secrets = {"url": "redis://redis", "token": "token", "password": "password-0"}
        for name in _secrets(read("smallest_bot")["spec"]):
            self._keep(_secret(name, secrets))
        self._keep(_secret("berlin-password", secrets))
        for one in self.model.pinned.values():
            self._keep(one)
        watches = Watches(self.server, self.cache, (), lambda _: None)
        self.shell = Shell(
            settings=Settings(),
            cluster=self.server,
            cache=self.cache,
            watches=watches,
            outside=Outside(self.redis),
            metrics=Metrics(),
            teller=Nobody(),
            fence=lambda: None,
        )

    def _keep(self, one: Json) -> None:
        kept = _deployed(one)
        self.server.kept[ref(kept)] = kept
        if kept["kind"] != "Secret":
            self.cache.put(kept)

    def sizes(self) -> list[int]:
        """Say what size was applied to the StatefulSet."""
        return [
            one["spec"]["replicas"] for one in self.server.applied if one["kind"] == "StatefulSet"
        ]

    def forget(self, *kinds: str) -> None:
        """Have the watches know nothing of some kinds."""
        for one in self.server.kept.values():
            if one["kind"] in kinds:
                self.cache.remove(one)


def _deployed(one: Json) -> Json:
    said = {"namespace": "music", "generation": 1, "resourceVersion": "1"}
    return one | {"metadata": said | one["metadata"] | {"finalizers": [names.FINALIZER]}}


def _secret(name: str, texts: dict[str, str]) -> Json:
    data = {key: base64.b64encode(one.encode()).decode() for key, one in texts.items()}
    labels = {names.NODES: "berlin"} if name == "berlin-password" else {}
    said = {"name": name, "labels": labels, "annotations": {names.ROTATION: "0"}}
    return {"kind": "Secret", "metadata": said, "data": data}


def _secrets(spec: object) -> set[str]:
    """Name the Secrets that a spec names."""
    if isinstance(spec, dict):
        own = {one["name"] for key, one in spec.items() if key.endswith("SecretRef")}
        return own.union(*(_secrets(one) for one in spec.values()))
    return set()


@pytest.fixture
def playing(settled: Model) -> Model:
    """Give three nodes that play, of which one is wanted."""
    settled.play(250)
    settled.settle()
    settled.node_spec = msgspec.structs.replace(
        settled.node_spec, replicas=1, minimum=None, maximum=None
    )
    return settled


async def test_a_statefulset_that_the_watches_lost_is_looked_for_before_it_is_made(
    playing: Model,
) -> None:
    room = Room(playing)
    room.redis.fleet = None
    room.forget("StatefulSet", "Pod")

    await room.shell.look(GROUP)

    assert room.sizes() == []


async def test_a_statefulset_without_our_label_gets_it_back_and_keeps_its_nodes(
    playing: Model,
) -> None:
    room = Room(playing)
    room.forget("StatefulSet")
    labels = room.server.kept[Ref("StatefulSet", "berlin")]["metadata"]["labels"]
    del labels["app.kubernetes.io/managed-by"]

    await room.shell.look(GROUP)

    assert room.sizes() == [3]


async def test_a_group_knows_who_plays_there_though_a_bots_spec_names_other_nodes(
    playing: Model,
) -> None:
    room = Room(playing)
    elsewhere = {"lavalinkNodes": {"matchLabels": {"place": "elsewhere"}}}
    bot = room.server.kept[Ref("MusicBot", "melody")]
    bot["spec"]["regions"] = [{"name": "europe", **elsewhere}]

    await room.shell.look(GROUP)

    assert room.shell.memories[GROUP].users == {"melody"}
    assert room.sizes() == []
    room.redis.fleet = None
    await room.shell.look(GROUP)
    assert room.shell.memories[GROUP].users == {"melody"}
    room.redis.fleet = Fleet(Directive(version=9), (), 0)
    await room.shell.look(GROUP)
    assert room.shell.memories[GROUP].users == set()


@pytest.mark.parametrize("takes", [True, False])
async def test_a_directive_that_was_changed_meanwhile_is_made_anew_soon(
    playing: Model, takes: bool
) -> None:
    playing.turns(1)
    room = Room(playing)
    room.redis.takes = takes
    assert room.redis.fleet is not None
    room.redis.fleet = Fleet(Directive(version=3), room.redis.fleet.observed, room.redis.fleet.at)

    await room.shell.look(BOT)

    assert [one.version for one in room.redis.written] == [4]
    assert (BOT in room.shell.queue._failures) is not takes


@pytest.mark.parametrize("kind", ["StatefulSet", "PodDisruptionBudget", "Service"])
async def test_an_object_of_somebody_else_under_our_name_is_told_and_not_touched(
    playing: Model, kind: str
) -> None:
    room = Room(playing)
    room.forget(kind)
    theirs = room.server.kept[Ref(kind, "berlin")]["metadata"]
    theirs["labels"], theirs["ownerReferences"] = {}, [{"kind": "Release", "uid": "another"}]

    await room.shell.look(GROUP)

    assert [one["kind"] for one in room.server.applied if one["kind"] == kind] == []
    assert f"{kind}/berlin: somebody else has one of this name" in told(room)


async def test_a_secret_of_somebody_else_keeps_its_content(playing: Model) -> None:
    room = Room(playing)
    secret = room.server.kept[Ref("Secret", "berlin-password")]["metadata"]
    secret["labels"], secret["annotations"] = {}, {}

    await room.shell.look(GROUP)

    assert [one["kind"] for one in room.server.applied if one["kind"] == "Secret"] == []
    assert "Secret/berlin-password: somebody else has one of this name" in told(room)


async def test_what_a_pod_begins_with_is_written_before_it_and_not_remembered(
    playing: Model,
) -> None:
    room = Room(playing)
    playing.pinned.clear()
    del room.server.kept[Ref("Secret", "melody-pinned")]

    await room.shell.look(BOT)

    kinds = [one["kind"] for one in room.server.applied]
    first = room.server.applied[kinds.index("Secret")]
    assert first["metadata"]["name"] == "melody-pinned"
    assert kinds.index("Secret") < kinds.index("Job")
    assert set(pinned.texts(first).values()) == {"redis://redis"}
    assert room.cache.all("Secret", "") == []


async def test_what_pods_begin_with_is_not_written_over_somebody_elses(playing: Model) -> None:
    room = Room(playing)
    theirs = room.server.kept[Ref("Secret", "berlin-nodes-pinned")]["metadata"]
    theirs["labels"], theirs["ownerReferences"] = {}, [{"kind": "Release", "uid": "another"}]

    await room.shell.look(GROUP)

    assert [one["kind"] for one in room.server.applied if one["kind"] == "Secret"] == []
    assert "Secret/berlin-nodes-pinned: somebody else has one of this name" in told(room)


async def test_a_bot_whose_application_another_has_is_left_until_that_one_is_gone() -> None:
    room = Room(Model())
    room.redis.fleet = Fleet(None, (), 0)
    said = {"name": "rhythm", "namespace": "jazz", "resourceVersion": "1"}
    spec = room.server.kept[Ref("MusicBot", "melody")]["spec"]
    other = {"kind": "MusicBot", "metadata": said, "spec": spec}  # no moment is before any other
    room.cache.put(other)

    await room.shell.look(BOT)
    await room.shell.look(GROUP)

    assert [one for one in room.server.applied if "melody" in one["metadata"]["name"]] == []
    assert room.redis.written == []
    assert room.shell.memories[GROUP].users == set()
    room.cache.remove(other)
    await room.shell.look(BOT)
    assert [one for one in room.server.applied if "melody" in one["metadata"]["name"]]


async def test_a_group_that_went_stays_forgotten_though_a_bots_look_has_read_it(
    playing: Model,
) -> None:
    room = Room(playing)
    await room.shell.look(GROUP)
    assert GROUP in room.shell.memories
    del room.server.kept[Ref("LavalinkNode", "berlin")]
    await room.shell.look(GROUP)

    await room.shell.look(BOT)

    assert set(room.shell.memories) == {BOT}


async def test_a_bot_that_cant_be_read_is_not_known_and_stops_no_look_at_its_nodes(
    playing: Model,
) -> None:
    room = Room(playing)
    await room.shell.look(GROUP)
    assert room.shell.memories[GROUP].users == {"melody"}
    bot = room.server.kept[Ref("MusicBot", "melody")]
    room.cache.put(bot | {"spec": bot["spec"] | {"regions": "europe"}})
    bot["spec"]["regions"] = "europe"

    await room.shell.look(GROUP)

    assert GROUP not in room.shell.queue._failures
    assert room.shell.memories[GROUP].users == {"melody"}
    assert room.sizes() == []


def told(room: Room) -> str:
    return " ".join(room.shell.memories[GROUP].refused)
