"""Redis and the API server go away and come back: nothing is removed, and all is as before."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import support_operating
from support_operating import Bot, Json, Room, Stage, lavalink_node
from support_waiting import PATIENCE

REDIS_AWAY, API_AWAY = 20.0, 60.0
RESOURCES = (("lavalinknodes", "berlin"), ("musicbots", "melody"))
WORKLOADS = ("apis/apps/v1/deployments", "apis/apps/v1/statefulsets", "api/v1/pods")
LASTING = "app.kubernetes.io/component in (gateway,audio,node,api)"
"""The regular works' pods come and go."""


@pytest.fixture(scope="module")
def room(operating: Stage) -> Room:
    room = Room(operating, "away")
    support_operating.settled(room, [Bot("melody", 100000000000000501)], lavalink_node(replicas=2))
    return room


def workloads(room: Room) -> dict[str, str]:
    """Say of each workload which one it is: one that came again has another uid."""
    found = (one["metadata"] for kind in WORKLOADS for one in room.items(kind, LASTING))
    return {one["name"]: one["uid"] for one in found}


def told(room: Room) -> list[str]:
    """Name the nodes that the bot's services are told of."""
    return [one.name for one in room.directive(room.bots[0]).nodes]


def looked_at(room: Room) -> bool:
    """Say whether the operator has looked at what both resources say now."""
    both = [room.get(f"apis/legato.dev/v1beta1/{kind}", name) for kind, name in RESOURCES]
    return all(one["status"]["observedGeneration"] == one["metadata"]["generation"] for one in both)


def at_rest(room: Room) -> bool:
    """Say whether all is fine, and one node is there, which the services are told of."""
    return (
        told(room) == ["berlin-0"]
        and room.pods("node")
        == [one["metadata"]["name"] for one in node_pods(room)]
        == ["berlin-0"]
        and all(room.ready(name, kind) for kind, name in RESOURCES)
    )


def node_pods(room: Room) -> list[Json]:
    return room.items("api/v1/pods", "app.kubernetes.io/component=node")


def passed(room: Room, seconds: float, *, services: bool) -> None:
    """Let time pass: how long something is away is what the scenario is about."""
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        if services:
            room.turn()
        time.sleep(0.5)


@contextmanager
def frozen_api_server(room: Room) -> Iterator[None]:
    _, server, _ = room.stage.cluster.pids
    room.kubelet = False
    os.kill(server, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server, signal.SIGCONT)
        room.kubelet = True


def test_while_redis_is_away_nothing_is_removed_though_less_is_wanted(room: Room) -> None:
    before = workloads(room)
    room.stage.server.freeze()
    try:
        room.run("scale", "lln", "berlin", "--replicas=1")
        patch = '{"spec": {"regions": [{"name": "europe", "audio": {"playersPerPod": 400}}]}}'
        room.run("patch", "mb", "melody", "--type=merge", "-p", patch)
        deadline = time.monotonic() + REDIS_AWAY
        said: set[str] = set()
        while time.monotonic() < deadline or "RedisAway" not in said or not looked_at(room):
            assert time.monotonic() < deadline + PATIENCE
            said.add(room.condition("musicbots", "melody", "ControlPlaneReachable")[1])
            assert before.items() <= workloads(room).items()
            time.sleep(0.5)
    finally:
        room.stage.server.thaw()

    room.until(lambda: at_rest(room), "what was wanted meanwhile")


def test_while_the_api_server_is_away_the_operator_stays_and_then_goes_on(room: Room) -> None:
    room.until(lambda: at_rest(room), "all is quiet")
    before, process = workloads(room), room.stage.operator.pid

    with frozen_api_server(room):
        passed(room, API_AWAY, services=True)
        assert told(room) == ["berlin-0"]

    room.until(lambda: at_rest(room), "it is fine again")
    assert workloads(room) == before
    assert (room.stage.operator.pid, room.stage.operator.code) == (process, None)

    services = {"berlin", "melody-api"}
    room.run("delete", "service", *services)
    room.until(lambda: services <= {*room.names("api/v1/services")}, "it sees what changes again")
    assert workloads(room) == before
