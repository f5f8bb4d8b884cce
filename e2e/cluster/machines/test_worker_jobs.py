"""The regular works on machines: some fire by themselves, and each template does its work."""

import asyncio
import json
from typing import Any

import pytest

from legato_cluster import waiting
from legato_cluster.platform import BOT, Platform

EVERY_MINUTE = {f"{BOT}-limits", f"{BOT}-flags"}
RARE = ("cleanup", "usage")
BY_HAND = "cronjob.kubernetes.io/instantiate"
"""What kubectl writes on a Job that somebody made of a CronJob, to which it belongs as the others
do: it counts in the history, and may soon be gone."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_works_run(music: Platform) -> None:
    seen: set[str] = set()

    def all_succeeded() -> bool:
        seen.update(succeeded(music))
        return seen >= EVERY_MINUTE | {f"{BOT}-{work}" for work in RARE}

    try:
        for work in RARE:
            music.kubectl("create", "job", f"try-{work}", f"--from=cronjob/{BOT}-{work}")
        await asyncio.to_thread(waiting.until, all_succeeded, "a run of each work")
    finally:
        music.kubectl("delete", "--ignore-not-found", *(f"job/try-{work}" for work in RARE))


def succeeded(music: Platform) -> set[str]:
    """Name the CronJobs of which a run has succeeded; of the frequent ones, one that nobody asked
    for."""
    jobs = json.loads(music.kubectl("get", "jobs", "-o", "json"))["items"]
    return {name for job in jobs if job.get("status", {}).get("succeeded") and (name := of(job))}


def of(job: dict[str, Any]) -> str:
    """Name the CronJob that a run counts for, if any."""
    meta = job["metadata"]
    made_by_hand = BY_HAND in meta.get("annotations", {})
    names = {one["name"] for one in meta.get("ownerReferences", []) if one["kind"] == "CronJob"}
    return next((one for one in names if not (made_by_hand and one in EVERY_MINUTE)), "")
