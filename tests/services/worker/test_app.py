import asyncio

import aiohttp

from legato.worker import app
from legato.worker.jobs import JOBS
from support_waiting import PATIENCE


async def test_it_runs_its_jobs_at_once_and_shows_so(settings):
    built = app.build(settings)
    stop = asyncio.Event()
    running = asyncio.create_task(built.run(stop))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{built.pages.port}") as client:
        async with asyncio.timeout(PATIENCE):
            metrics = ""
            while not all(f'timestamp_seconds{{job="{job}"}}' in metrics for job in JOBS):
                async with client.get("/metrics") as answer:
                    metrics = await answer.text()
        async with client.get("/health") as answer:
            assert answer.status == 200
        async with client.get("/ready") as answer:
            assert answer.status == 200
    stop.set()
    await asyncio.wait_for(running, PATIENCE)

    assert 'legato_worker_job_seconds_count{job="cleanup",outcome="done"} 1.0' in metrics


async def test_one_job_runs_once_with_a_progress_line(settings, lines):
    said = await app.run_job(settings, "usage", progress=lines.append)

    assert said.startswith("Counted")
    assert lines


async def test_a_jobs_bug_ends_nothing_but_its_run(settings, monkeypatch):
    async def broken(_means):
        raise ZeroDivisionError

    monkeypatch.setitem(JOBS, "usage", broken)
    built = app.build(settings)
    stop = asyncio.Event()
    running = asyncio.create_task(built.run(stop))
    labels = {"job": "usage", "outcome": "failed"}
    async with asyncio.timeout(PATIENCE):
        while not built.registry.get_sample_value("legato_worker_job_seconds_count", labels):
            await asyncio.sleep(0.01)
    assert not running.done()
    stop.set()
    await asyncio.wait_for(running, PATIENCE)
