"""The operator is uninstalled, installed again and upgraded, and the music notices nothing."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from legato_cluster import belongings, rest
from legato_cluster.belongings import BOT, NODES
from legato_cluster.cluster import PATIENCE
from legato_cluster.platform import IMAGE, REPOSITORY, ROOT, SPACE, Platform
from legato_machine import hearing
from legato_machine.conditions import until

SOON = 180.0
NEWER = "newer"
CHART = str(ROOT / "charts/legato")
TRACK = "tone-6-900s.ogg"
RESOURCES = ("lavalinknode/berlin", "musicbot/melody")
SIMULATOR = ("deployment/legato-simulator", "service/legato-simulator", "secret/legato-simulator")
LET_GO = '{"metadata":{"finalizers":null}}'
pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = Any


def helm(music: Platform, *words: str, stdin: str = "") -> str:
    """Run helm as a person would, and give what it says."""
    tool = [sys.executable, str(ROOT / "tools/helm.py")]
    program = subprocess.run(tool, capture_output=True, text=True, check=True).stdout.strip()
    command = [program, *words, f"--namespace={SPACE}", f"--kubeconfig={music.cluster.kubeconfig}"]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"helm {words[0]}: {done.stderr[-3000:]}"
    return done.stdout


async def install(music: Platform, values: Json, *words: str) -> None:
    """Install or upgrade the chart, and wait until its operator answers."""
    usual = ("--install", "--values=-", "--wait", f"--timeout={PATIENCE}s")
    text = json.dumps(values)
    await asyncio.to_thread(helm, music, "upgrade", "legato", CHART, *usual, *words, stdin=text)


async def uninstall(music: Platform, *words: str) -> None:
    usual = ("--wait", f"--timeout={PATIENCE}s")
    await asyncio.to_thread(helm, music, "uninstall", "legato", *usual, *words)


def workloads(music: Platform) -> dict[str, Json]:
    """Say of everything that runs which one it is, what it is made of, and how often it began."""
    listed = json.loads(music.kubectl("get", "pods,deployments,statefulsets", "-o", "json"))
    return {
        f"{one['kind']}/{one['metadata']['name']}": [
            one["metadata"]["uid"],
            one["metadata"].get("generation"),
            [each["restartCount"] for each in one["status"].get("containerStatuses", ())],
        ]
        for one in listed["items"]
        if rest.plays(one)
    }


def held(music: Platform) -> list[bool]:
    """Say of each resource whether its deletion would wait for an operator."""
    form = "jsonpath={.metadata.finalizers}"
    return ["legato.dev/drain" in music.kubectl("get", one, "-o", form) for one in RESOURCES]


async def adopted(music: Platform) -> None:
    async def look() -> bool:
        return all(held(music))

    await until(look, what="an operator that has taken up both", timeout=SOON)
    await asyncio.to_thread(music.settle)


async def operated_by(music: Platform, image: Json) -> None:
    form = "jsonpath={.items[*].spec.containers[*].image}"
    label = f"{rest.COMPONENT}=operator"

    async def look() -> bool:
        there = music.kubectl("get", "pods", "-l", label, "-o", form).split()
        return set(there) == {f"{image['repository']}:{image['tag']}"}

    await until(look, what="an end of the operator before", timeout=SOON)


async def mended(music: Platform) -> None:
    """Break something, and wait until an operator has mended it."""
    music.kubectl("delete", "poddisruptionbudget/berlin")

    async def look() -> bool:
        return bool(music.kubectl("get", "pdb/berlin", "--ignore-not-found", "-o", "name"))

    await until(look, what="an operator that acts", timeout=SOON)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chart(music: Platform) -> AsyncIterator[Json]:
    """The chart's values, while its simulator stays whatever becomes of the chart."""
    values: Json = json.loads(helm(music, "get", "values", "legato", "-o", "json"))
    for one in SIMULATOR:
        music.kubectl("annotate", "--overwrite", one, "helm.sh/resource-policy=keep")
    alone = values | {"simulator": values["simulator"] | {"enabled": False}}
    await install(music, alone, "--reset-values")
    yield alone
    await install(music, values, "--reset-values")
    for one in SIMULATOR:
        music.kubectl("annotate", one, "helm.sh/resource-policy-")
    await asyncio.to_thread(music.settle)


async def test_music_goes_on_while_the_operator_goes_comes_again_and_is_upgraded(
    music: Platform, chart: Json
) -> None:
    hall = await music.hall()
    before = workloads(music)
    spare = belongings.wanted(music.cluster, SPACE, "lavalinknode", "berlin")
    spare = spare | {"metadata": {"name": "spare"}}
    spare["spec"] = spare["spec"] | {"region": "elsewhere", "replicas": 0}
    belongings.apply(music.cluster, SPACE, spare)
    await asyncio.to_thread(music.settle)

    async with hearing.control(music) as noise:
        await hall.play(TRACK, timeout=SOON)
        heard = await hall.hears(6, after=2000, timeout=SOON)
        await uninstall(music)
        assert held(music) == [False, False]
        # What is deleted now waits for nobody.
        await asyncio.to_thread(belongings.delete, music.cluster, SPACE, "lavalinknode/spare")
        heard = await hall.hears(6, after=heard.ms + 5000, timeout=SOON)

        await install(music, chart)
        await adopted(music)
        heard = await hall.hears(6, after=heard.ms + 2000, timeout=SOON)
        assert workloads(music) == before

        for machine in music.cluster.machines.values():
            machine.tag(IMAGE, f"{REPOSITORY}:{NEWER}")
        newer = chart | {"image": chart["image"] | {"tag": NEWER}, "release": "0.2.0"}
        await install(music, newer)
        await operated_by(music, newer["image"])
        await mended(music)
        await asyncio.to_thread(music.settle)
        await hall.hears(6, after=heard.ms + 2000, timeout=SOON)

    assert workloads(music) == before
    await hearing.unbroken(hall, noise)
    await hall.type("stop", timeout=SOON)


async def test_what_is_deleted_with_no_operator_left_can_be_let_go_by_hand(
    music: Platform, chart: Json
) -> None:
    """An operator that went without its hook; it would be the same if it were gone for good."""
    hall = await music.hall()
    wanted = [belongings.wanted(music.cluster, SPACE, *one.split("/")) for one in RESOURCES]

    async with hearing.control(music) as noise:
        await hall.play(TRACK, timeout=SOON)
        heard = await hall.hears(6, after=2000, timeout=SOON)
        await uninstall(music, "--no-hooks")
        music.kubectl("delete", "--wait=false", *RESOURCES)
        await hall.hears(6, after=heard.ms + 3000, timeout=SOON)
    assert held(music) == [True, True]
    await hearing.unbroken(hall, noise)

    for one in RESOURCES:
        music.kubectl("patch", one, "--type=merge", f"--patch={LET_GO}")
    await hall.quiet(timeout=SOON)

    async def is_over() -> bool:
        named = ((NODES, "berlin"), (BOT, "melody"))
        return not any(belongings.left(music.cluster, SPACE, *one) for one in named)

    await until(is_over, what="nothing to be left of both", timeout=SOON)
    await install(music, chart)
    belongings.apply(music.cluster, SPACE, *wanted)
    await asyncio.to_thread(music.settle)
    await hall.type("stop", timeout=SOON)
    again = await music.hall()
    await again.play("tone-5-60s.ogg", timeout=SOON)
    await again.hears(5, after=2000, timeout=SOON)
    await again.type("stop", timeout=SOON)
