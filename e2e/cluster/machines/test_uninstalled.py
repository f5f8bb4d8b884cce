"""The operator is uninstalled, installed again and upgraded, and the music notices nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from legato_cluster import belongings, rest, waiting
from legato_cluster.belongings import OF_BOT, OF_NODES
from legato_cluster.cluster import PATIENCE
from legato_cluster.platform import CHART, IMAGE, REPOSITORY, SPACE, Platform
from legato_machine import hearing
from legato_machine.conditions import until

SOON = 240.0
OPERATOR = f"{rest.COMPONENT}=operator"
NEWER = "newer"
TRACK = "tone-6-900s.ogg"
RESOURCES = ("lavalinknode/berlin", "musicbot/melody")
SIMULATOR = ("deployment/legato-simulator", "service/legato-simulator", "secret/legato-simulator")
NAMESPACED = {"namespaces": [SPACE], "rbac": {"clusterRoles": False}}
"""Without a right on anything outside its namespace."""
LET_GO = '{"metadata":{"finalizers":null}}'
pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = Any


async def install(music: Platform, values: Json, *words: str) -> None:
    """Install or upgrade the chart, and wait until its operator answers."""
    usual = ("--install", "--values=-", "--wait", f"--timeout={PATIENCE}s")
    text = json.dumps(values)
    await asyncio.to_thread(music.helm, "upgrade", "legato", str(CHART), *usual, *words, stdin=text)


async def uninstall(music: Platform, *words: str) -> None:
    usual = ("--wait", f"--timeout={PATIENCE}s")
    await asyncio.to_thread(music.helm, "uninstall", "legato", *usual, *words)

    async def is_gone() -> bool:
        # Helm waits for its objects, which may be gone before the pod has ended.
        return not music.kubectl("get", "pods", "-l", OPERATOR, "-o", "name")

    await until(is_gone, what="the end of the operator", timeout=SOON)


async def nothing_began_anew(music: Platform, before: dict[str, Json]) -> None:
    """Wait for what was added to be collected; what began anew once would never be the same."""

    async def look() -> bool:
        return belongings.workloads(music.cluster, SPACE) == before

    await until(look, what="the same workloads as before", timeout=SOON)


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

    async def look() -> bool:
        there = music.kubectl("get", "pods", "-l", OPERATOR, "-o", form).split()
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
    values: Json = json.loads(music.helm("get", "values", "legato", "-o", "json"))
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
    before = belongings.workloads(music.cluster, SPACE)
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
        await nothing_began_anew(music, before)

        for machine in music.cluster.machines.values():
            machine.tag(IMAGE, f"{REPOSITORY}:{NEWER}")
        image = chart["image"] | {"tag": NEWER}
        newer = chart | NAMESPACED | {"image": image, "release": "0.2.0"}
        await install(music, newer)
        await operated_by(music, newer["image"])
        await mended(music)
        await asyncio.to_thread(music.settle)
        await hall.hears(6, after=heard.ms + 2000, timeout=SOON)

    await nothing_began_anew(music, before)
    await hearing.unbroken(hall, noise)
    await hall.type("stop", timeout=SOON)


async def test_what_is_deleted_with_no_operator_left_is_let_go_by_hand_and_leaves_nothing(
    music: Platform, chart: Json
) -> None:
    """An operator that went without its hook; it would be the same if it were gone for good."""
    hall = await music.hall()
    wanted = [belongings.wanted(music.cluster, SPACE, *one.split("/")) for one in RESOURCES]

    async with hearing.control(music) as noise:
        await hall.play(TRACK, timeout=SOON)
        heard = await hall.hears(6, after=2000, timeout=SOON)
        await uninstall(music, "--no-hooks")
        music.kubectl("delete", "--wait=false", RESOURCES[0])
        await hall.hears(6, after=heard.ms + 3000, timeout=SOON)
    assert held(music) == [True, True]
    await hearing.unbroken(hall, noise)

    for one in RESOURCES:
        music.kubectl("patch", one, "--type=merge", f"--patch={LET_GO}")
    # Nothing holds the bot now, as after a usual uninstall: its deletion waits for nobody.
    await asyncio.to_thread(belongings.delete, music.cluster, SPACE, RESOURCES[1])
    await hall.quiet(timeout=SOON)

    def is_over() -> bool:
        named = ((OF_NODES, "berlin"), (OF_BOT, "melody"))
        return not any(belongings.left(music.cluster, SPACE, *one) for one in named)

    await asyncio.to_thread(waiting.until, is_over, "nothing to be left of both")
    await install(music, chart)
    belongings.apply(music.cluster, SPACE, *wanted)
    await asyncio.to_thread(music.settle)
    await hall.type("stop", timeout=SOON)
    again = await music.hall()
    await again.play("tone-5-60s.ogg", timeout=SOON)
    await again.hears(5, after=2000, timeout=SOON)
    await again.type("stop", timeout=SOON)
