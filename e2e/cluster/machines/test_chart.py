"""Helm test says that the operator works, and leaves nothing."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from legato_cluster.cluster import PATIENCE
from legato_cluster.platform import SPACE, Platform
from legato_machine.conditions import until

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.asyncio(loop_scope="module")


def helm(music: Platform, *words: str) -> str:
    tool = subprocess.run(
        [sys.executable, str(ROOT / "tools/helm.py")], capture_output=True, text=True, check=True
    )
    usual = (f"--namespace={SPACE}", f"--kubeconfig={music.cluster.kubeconfig}")
    done = subprocess.run(
        [tool.stdout.strip(), *words, *usual], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_helm_test_asks_the_operator_and_leaves_nothing(music: Platform) -> None:
    said = await asyncio.to_thread(helm, music, "test", "legato", f"--timeout={PATIENCE}s")

    assert "Succeeded" in said
    await until(lambda: _gone(music), what="the end of the test's pod", timeout=PATIENCE)


async def _gone(music: Platform) -> bool:
    label = "app.kubernetes.io/component=test"
    return not await asyncio.to_thread(music.kubectl, "get", "pods", "-l", label, "-o", "name")
