"""The leading operator is frozen, then killed, while a bot plays: nobody hears it, one acts."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from legato_cluster import processes, rest
from legato_cluster.platform import BOT, Platform
from legato_machine import hearing
from legato_machine.conditions import until

PATIENCE = 240.0
JOB = f"{BOT}-usage"
OPERATOR = "deployment/legato-operator"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standby(music: Platform) -> AsyncIterator[None]:
    """Two operators, of which one leads."""
    await scaled(music, 2)
    yield
    await scaled(music, 1)


async def scaled(music: Platform, count: int) -> None:
    music.kubectl("scale", OPERATOR, f"--replicas={count}")
    status = ("rollout", "status", OPERATOR, f"--timeout={PATIENCE:.0f}s")
    await asyncio.to_thread(music.kubectl, *status)


async def test_nobody_hears_that_the_leading_operator_is_frozen_or_killed(
    music: Platform, standby: None
) -> None:
    hall = await music.hall()
    before = pods(music)

    async with hearing.control(music) as noise:
        await hall.play("tone-4-900s.ogg", timeout=PATIENCE)
        heard = await hall.hears(4, after=3000, timeout=PATIENCE)
        frozen = leader(music)
        with processes.frozen(uid(music, frozen)):
            await acts(music, not_the_one=frozen)
        killed = leader(music)
        assert processes.send(uid(music, killed), signal.SIGKILL)
        await acts(music, not_the_one="")
        await asyncio.to_thread(music.settle)
        await hall.hears(4, after=heard.ms + 10_000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    assert pods(music) == before
    await hall.type("stop", timeout=PATIENCE)


async def acts(music: Platform, *, not_the_one: str) -> None:
    """Break something, and wait until an operator, another one, has mended it."""
    music.kubectl("patch", "cronjob", JOB, "--patch", '{"spec": {"suspend": true}}')

    async def is_mended() -> bool:
        said = json.loads(music.kubectl("get", "cronjob", JOB, "-o", "json"))
        return not said["spec"]["suspend"] and leader(music) != not_the_one

    await until(is_mended, what="a child that an operator restores", timeout=PATIENCE)


def leader(music: Platform) -> str:
    """Name the operator's pod that holds the Lease."""
    form = "jsonpath={.spec.holderIdentity}"
    return music.kubectl("get", "lease", "legato-operator", "-o", form)


def uid(music: Platform, pod: str) -> str:
    return music.kubectl("get", "pod", pod, "-o", "jsonpath={.metadata.uid}")


def pods(music: Platform) -> set[str]:
    return {one["metadata"]["uid"] for part in rest.PLAYING for one in music.pods(part)}
