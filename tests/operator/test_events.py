from dataclasses import dataclass, field
from typing import Any

from legato.errors import Unavailable
from legato_operator.changes import Plan
from legato_operator.cluster import Cluster
from legato_operator.desired.manifest import Owner
from legato_operator.events import Events
from legato_operator.metrics import Metrics
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.status import Condition, NodeStatus
from legato_operator.seen import Group

OWNER = Owner("LavalinkNode", "berlin", "music", "uid-1")


@dataclass
class Server(Cluster):
    """Keeps what is created."""

    made: list[dict[str, Any]] = field(default_factory=list)
    away: bool = False

    async def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        if self.away:
            raise Unavailable("kubernetes", "away")
        self.made.append(manifest)
        return manifest


def status(ready: bool, message: str = "") -> NodeStatus:
    said = ("True", "NodesReady") if ready else ("False", "NodesNotReady")
    one = Condition(type="Ready", status=said[0], reason=said[1], message=message)  # type: ignore[arg-type]
    return NodeStatus(conditions=(one,))


def group(ready: bool) -> Group:
    return Group(OWNER, NodeSpec(region="europe", replicas=1), status(ready))


async def test_a_transition_becomes_an_event_about_its_resource() -> None:
    server = Server()

    await Events(server, Metrics(), "op-1").tell(group(True), Plan(status=status(False, "0 of 1.")))

    made = server.made[0]
    about = made["involvedObject"]
    assert (about["kind"], about["name"], about["uid"]) == ("LavalinkNode", "berlin", "uid-1")
    assert (made["type"], made["reason"], made["message"]) == (
        "Warning",
        "NodesNotReady",
        "0 of 1.",
    )
    assert made["metadata"]["namespace"] == "music"


async def test_what_flaps_is_told_once_in_five_minutes() -> None:
    server, clock = Server(), [0.0]
    events = Events(server, Metrics(), "op-1", clock=lambda: clock[0])
    for now in range(0, 600, 5):
        clock[0] = float(now)
        await events.tell(group(True), Plan(status=status(False)))
        await events.tell(group(False), Plan(status=status(True)))

    assert len(server.made) == 4


async def test_an_event_that_can_not_be_written_is_let_go() -> None:
    await Events(Server(away=True), Metrics(), "op").tell(group(True), Plan(status=status(False)))


async def test_a_long_message_is_cut() -> None:
    server = Server()

    await Events(server, Metrics(), "op").tell(group(True), Plan(status=status(False, "x" * 4000)))

    assert len(server.made[0]["message"]) == 1024
