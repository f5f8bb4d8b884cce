"""The regular works on machines: one fires by itself, and each template does its work."""

import asyncio
import json

import pytest

from legato_cluster import waiting
from legato_cluster.cluster import PATIENCE
from legato_cluster.platform import BOT, Platform

WORKS = ("cleanup", "usage", "limits", "flags")
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_works_run(music: Platform) -> None:
    jobs = [f"job/try-{work}" for work in WORKS]
    try:
        for work in WORKS:
            music.kubectl("create", "job", f"try-{work}", f"--from=cronjob/{BOT}-{work}")
        music.kubectl("wait", "--for=condition=Complete", f"--timeout={PATIENCE}s", *jobs)
        every_minute = {f"{BOT}-limits", f"{BOT}-flags"}
        await asyncio.to_thread(
            waiting.until, lambda: every_minute <= fired(music), "two that fire by themselves"
        )
    finally:
        music.kubectl("delete", "--ignore-not-found", *jobs)


def fired(music: Platform) -> set[str]:
    """Name the CronJobs of which a run has succeeded."""
    found = json.loads(music.kubectl("get", "jobs", "-o", "json"))["items"]
    done = [one["metadata"] for one in found if one.get("status", {}).get("succeeded")]
    owners = [owner for one in done for owner in one.get("ownerReferences", [])]
    return {one["name"] for one in owners if one["kind"] == "CronJob" and one.get("controller")}
