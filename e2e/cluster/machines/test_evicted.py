"""A pod that plays is not evicted; with the drain annotation it is emptied, and then it goes."""

import asyncio
import json

import pytest

from legato_cluster.platform import SPACE, Platform
from legato_machine import hearing
from legato_machine.conditions import until

PATIENCE = 240.0
PLAYING = "berlin-0"
OVER_A_SURGE = 2
"""Moves at most: to the surge, and back once the pod is there anew."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


def evict(music: Platform, pod: str) -> str:
    """Ask for a pod's eviction as kubectl drain does; say why not, nothing where it goes."""
    wanted = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    path = f"/api/v1/namespaces/{SPACE}/pods/{pod}/eviction"
    done = music.cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(wanted))
    return done.stderr if done.returncode else ""


def uid(music: Platform, pod: str) -> str:
    return music.kubectl("get", "pod", pod, "--ignore-not-found", "-o", "jsonpath={.metadata.uid}")


async def test_a_playing_pod_is_refused_to_an_eviction(music: Platform) -> None:
    hall = await music.hall()
    before = uid(music, PLAYING)

    async with hearing.control(music) as noise:
        await hall.play("tone-6-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(6, after=2000, timeout=PATIENCE)
        said = evict(music, PLAYING)
        await hall.hears(6, after=heard.ms + 3000, timeout=PATIENCE)

    assert "TooManyRequests" in said
    assert "disruption budget" in said
    assert uid(music, PLAYING) == before
    await hearing.unbroken(hall, noise)
    await hall.type("stop", timeout=PATIENCE)


async def test_an_annotated_pod_is_emptied_and_then_goes(music: Platform) -> None:
    hall = await music.hall()
    before = uid(music, PLAYING)

    async def is_empty() -> bool:
        label = r"jsonpath={.metadata.labels.legato\.dev/protected}"
        return music.kubectl("get", "pod", PLAYING, "-o", label) == ""

    async def is_let_go() -> bool:
        return evict(music, PLAYING) == ""

    async def is_another() -> bool:
        return uid(music, PLAYING) not in ("", before)

    async with hearing.control(music) as noise:
        await hall.play("tone-6-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(6, after=2000, timeout=PATIENCE)
        music.kubectl("annotate", "pod", PLAYING, "legato.dev/drain=true")
        await until(is_empty, what="a pod that nothing protects", timeout=PATIENCE)
        heard = await hall.hears(6, after=heard.ms + 3000, timeout=PATIENCE)
        assert uid(music, PLAYING) == before
        await until(is_let_go, what="an eviction that is granted", timeout=PATIENCE)
        await until(is_another, what="a pod in its place", timeout=PATIENCE)
        await asyncio.to_thread(music.settle)
        await hall.hears(6, after=heard.ms + 2000, timeout=PATIENCE)

    await hearing.moved(hall, noise, planned=True, times=OVER_A_SURGE)
    await hall.type("stop", timeout=PATIENCE)
