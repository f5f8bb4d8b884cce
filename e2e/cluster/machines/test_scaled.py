"""Prometheus says more players, and nodes and audio pods come; then fewer, and they are drained.

It is a real one that reads what the operator's own monitors choose.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping

import pytest

from legato_cluster import prometheus, waiting
from legato_cluster.cluster import Cluster
from legato_cluster.platform import BOT, NODES, Platform
from legato_cluster.players import Players
from legato_cluster.problems import NotStarted
from legato_cluster.prometheus import Server
from legato_machine import hearing

PATIENCE = 240.0
TRACK = "tone-{}-900s.ogg"
BRISK = {
    "scaleDown": {
        "stabilizationWindowSeconds": 5,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 1}],
    }
}
SCALED_NODES = {
    "replicas": None,
    "minimum": 1,
    "maximum": 2,
    "scaling": {"playersPerNode": 2, "freeSlots": 0, "behaviour": BRISK},
}
SCALED_AUDIO = {"minimum": 1, "maximum": 2, "playersPerPod": 2}
SCALED_BOT = {
    "regions": [{"name": "europe", "audio": SCALED_AUDIO}],
    "scaling": {"behaviour": BRISK},
}
USUAL_NODES = {"replicas": 1, "minimum": None, "maximum": None, "scaling": None}
USUAL_BOT = {"regions": [{"name": "europe"}], "scaling": None}
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def server(installed: Cluster) -> Iterator[Server]:
    with prometheus.on_network(installed) as one:
        yield one


async def becomes(music: Platform, look: Callable[[], bool], what: str) -> None:
    try:
        await asyncio.to_thread(waiting.until, look, what, timeout=PATIENCE)
    except NotStarted as never:
        raise AssertionError(f"{never} {music.kubectl('get', 'mb,lln', '-o', 'wide')}") from never


def patch(music: Platform, name: str, spec: Mapping[str, object]) -> None:
    music.kubectl("patch", name, "--type=merge", "-p", json.dumps({"spec": spec}))


def counts(music: Platform) -> tuple[str, int, int]:
    """Say how many nodes answer of how many, and how many pods of nodes and audio there are."""
    said = json.loads(music.kubectl("get", "lavalinknode", NODES, "-o", "json"))["status"]["nodes"]
    return said, len(music.pods("node")), len(music.pods("audio"))


async def test_nodes_and_audio_pods_follow_the_players(music: Platform, server: Server) -> None:
    players = Players(music)
    patch(music, f"lavalinknode/{NODES}", SCALED_NODES)
    patch(music, f"musicbot/{BOT}", SCALED_BOT)
    stays, *leave = [await music.hall(f"Hall {number}") for number in (1, 2, 3)]
    async with hearing.control(music) as noise:
        for tone, hall in enumerate((stays, *leave), start=1):
            await hall.play(TRACK.format(tone), timeout=PATIENCE)
            await hall.hears(tone, after=1000, timeout=PATIENCE)
        assert {await players.node_of(one) for one in (stays, *leave)} == {f"{NODES}-0"}

        await becomes(music, lambda: counts(music) == ("2/2", 2, 2), "two nodes, two audio pods")
        await players.told_of(f"{NODES}-1", music.bot_id)
        moves = await music.hall("Hall 4")
        await moves.play(TRACK.format(4), timeout=PATIENCE)
        await moves.hears(4, after=1000, timeout=PATIENCE)
        assert await players.node_of(moves) == f"{NODES}-1"

        for hall in leave:
            await hall.type("stop", timeout=PATIENCE)
        await becomes(music, lambda: counts(music) == ("1/1", 1, 1), "one of each again")
        for tone, hall in ((1, stays), (4, moves)):
            before = (await hall.hears(tone, timeout=PATIENCE)).ms
            await hall.hears(tone, after=before + 2000, timeout=PATIENCE)

    await hearing.unbroken(stays, noise)
    await hearing.moved(moves, noise, planned=True)
    assert await players.node_of(moves) == f"{NODES}-0"
    for hall in (stays, moves):
        await hall.type("stop", timeout=PATIENCE)
    patch(music, f"lavalinknode/{NODES}", USUAL_NODES)
    patch(music, f"musicbot/{BOT}", USUAL_BOT)
