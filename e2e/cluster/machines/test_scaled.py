"""Prometheus says more players, and nodes and audio pods come; then fewer, and they are drained.

It is a real one that reads what the operator's own monitors choose, and evaluates its alerts.
"""

import asyncio
import functools
import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytest
import yaml

from legato_cluster import prometheus, waiting
from legato_cluster.cluster import Cluster
from legato_cluster.platform import BOT, CHART, NODES, Platform
from legato_cluster.players import Players
from legato_cluster.problems import NotStarted
from legato_cluster.prometheus import Server
from legato_machine import hearing
from legato_machine.room import Hall
from legato_operator.desired import monitoring

PATIENCE = 240.0
TONE, TRACK = 6, "tone-6-900s.ogg"
FIRST, SECOND = f"{NODES}-0", f"{NODES}-1"
ALERTS = CHART / "files/alerts.yaml"
DASHBOARDS = CHART / "files/dashboards"
OF_HISTOGRAM = re.compile(r"_(bucket|count|sum)$")
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
    # A machine that is slow misses frames, which nodes are scaled by too.
    "scaling": {
        "playersPerNode": 2,
        "freeSlots": 0,
        "frameDeficitLimit": 10_000,
        "behaviour": BRISK,
    },
}
SCALED_AUDIO = {"minimum": 1, "maximum": 2, "playersPerPod": 2}
SCALED_BOT = {
    "regions": [{"name": "europe", "audio": SCALED_AUDIO}],
    "scaling": {"behaviour": BRISK},
}
Json = Any
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


def counts(music: Platform) -> tuple[str, int, int]:
    """Say how many nodes answer of how many, and how many pods of nodes and audio there are."""
    said = json.loads(music.kubectl("get", "lavalinknode", NODES, "-o", "json"))["status"]["nodes"]
    return said, len(music.pods("node")), len(music.pods("audio"))


async def played(music: Platform) -> Hall:
    hall = await music.hall()
    await hall.play(TRACK, timeout=PATIENCE)
    await hall.hears(TONE, after=1000, timeout=PATIENCE)
    return hall


async def test_nodes_and_audio_pods_follow_the_players(music: Platform, server: Server) -> None:
    players = Players(music)
    with (
        music.changed("lavalinknode", NODES, SCALED_NODES),
        music.changed("musicbot", BOT, SCALED_BOT),
    ):
        async with hearing.control(music) as noise:
            stays, *leave = [await played(music) for _ in range(3)]
            await becomes(
                music, lambda: counts(music) == ("2/2", 2, 2), "two nodes, two audio pods"
            )
            assert {await players.node_of(one) for one in (stays, *leave)} == {FIRST}
            await players.told_of(SECOND, music.bot_id)
            moves, *others = reversed(
                await players.on_each([SECOND], functools.partial(played, music))
            )
            await becomes(music, lambda: not unanswerable(server), "what alerts and pages ask for")

            for hall in (*leave, *others):
                await hall.type("stop", timeout=PATIENCE)
            await becomes(music, lambda: counts(music) == ("1/1", 1, 1), "one of each again")
            for hall in (stays, moves):
                before = await hall.hears(TONE, timeout=PATIENCE)
                await hall.hears(TONE, after=before.ms + 2000, timeout=PATIENCE)

        await hearing.unbroken(stays, noise)
        await hearing.moved(moves, noise, planned=True)
        assert await players.node_of(moves) == FIRST
        for hall in (stays, moves):
            await hall.type("stop", timeout=PATIENCE)


def unanswerable(server: Server) -> list[str]:
    """List what alerts and dashboards ask for that is nowhere exported, by name or by label."""
    shown = {name for one in server.get("metadata") for name in (one, f"{one}_total")}
    listed = [
        one for group in server.get("rules", type="alert")["groups"] for one in group["rules"]
    ]
    assert {one["name"] for one in listed} == {*alerts()}
    # While a pod is replaced by another there may be too many series for a moment.
    wrong = [str(one) for one in listed if one["health"] not in {"ok", "unknown"}]
    asked = [one["query"] for one in listed] + panels()
    return wrong + [one for one in asked if not answerable(server, one, shown)]


def answerable(server: Server, question: str, shown: Collection[str]) -> bool:
    for one in selectors(server.get("parse_query", query=question)):
        if {one["name"], OF_HISTOGRAM.sub("", one["name"])}.isdisjoint(shown):
            return False
        matched = {each["name"] for each in one["matchers"]} - {"__name__"}
        series = server.get("series", **{"match[]": one["name"]})
        if series and not matched <= set().union(*series):
            return False
    return True


def alerts() -> list[str]:
    """Name the chart's alerts, and those that come with a bot."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"]] + [
        name for name, *_ in monitoring.ALERTS
    ]


def panels() -> list[str]:
    """List what dashboards ask."""
    pages = [json.loads(file.read_text()) for file in sorted(DASHBOARDS.glob("*.json"))]
    every = (panel for page in pages for panel in page["panels"])
    return [target["expr"] for panel in every for target in panel.get("targets", ())]


def selectors(tree: Json) -> Iterator[Json]:
    """Find what an expression chooses."""
    if isinstance(tree, list):
        for one in tree:
            yield from selectors(one)
    elif isinstance(tree, dict):
        if tree.get("type") in {"vectorSelector", "matrixSelector"}:
            yield tree
        for one in tree.values():
            yield from selectors(one)
