"""Helm test says that the operator works, and leaves nothing."""

import asyncio

import pytest

from legato_cluster.cluster import PATIENCE
from legato_cluster.platform import Platform
from legato_machine.conditions import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_helm_test_asks_the_operator_and_leaves_nothing(music: Platform) -> None:
    said = await asyncio.to_thread(music.helm, "test", "legato", f"--timeout={PATIENCE}s")

    assert "Succeeded" in said
    await until(lambda: _gone(music), what="the end of the test's pod", timeout=PATIENCE)


async def _gone(music: Platform) -> bool:
    label = "app.kubernetes.io/component=test"
    return not await asyncio.to_thread(music.kubectl, "get", "pods", "-l", label, "-o", "name")
