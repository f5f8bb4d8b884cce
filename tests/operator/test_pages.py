import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from legato.embedded import ports
from legato_operator.metrics import Metrics
from legato_operator.pages import NoPages, Pages
from legato_operator.resources.status import Condition
from support_waiting import until

PLACE = ("MusicBot", "music", "melody")


@asynccontextmanager
async def serving(metrics: Metrics, faults: dict[str, str]) -> AsyncIterator[str]:
    """Serve pages on a free port."""
    port = ports.free()
    pages = Pages(
        metrics.registry,
        healthy=lambda: faults.get("health", ""),
        ready=lambda: faults.get("ready", ""),
        listen="127.0.0.1",
        port=port,
    )
    task, url = asyncio.create_task(pages.run()), f"http://127.0.0.1:{port}"

    async def answers() -> bool:
        try:
            return bool(await get(f"{url}/healthz"))
        except aiohttp.ClientError:
            return False

    try:
        await until(answers)
        yield url
    finally:
        task.cancel()
        await asyncio.wait([task])


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, await answer.text()


async def test_probes_say_what_is_wrong() -> None:
    faults: dict[str, str] = {}
    async with serving(Metrics(), faults) as url:
        assert await get(f"{url}/healthz") == (200, "ok\n")
        assert await get(f"{url}/readyz") == (200, "ok\n")
        faults |= {"health": "blind", "ready": "not yet"}
        assert await get(f"{url}/healthz") == (503, "blind\n")
        assert await get(f"{url}/readyz") == (503, "not yet\n")


async def test_metrics_show_calls_watches_and_conditions() -> None:
    metrics = Metrics()
    metrics.follow(depth=lambda: 3, ages=lambda: {"Pod": 1.5}, leads=lambda: True)
    metrics.count_call("PATCH", "deployments", "200", 0.1)
    metrics.show(PLACE, (Condition(type="Ready", status="False", reason="SecretMissing"),))

    async with serving(metrics, {}) as url:
        _, text = await get(f"{url}/metrics")
        metrics.forget(PLACE)
        _, later = await get(f"{url}/metrics")

    calls = 'legato_operator_api_calls_total{code="200",resource="deployments",verb="PATCH"} 1.0'
    assert calls in text
    assert "legato_operator_queue_depth 3.0" in text
    assert "legato_operator_leading 1.0" in text
    assert 'legato_operator_watch_age_seconds{kind="Pod"} 1.5' in text
    shown = 'kind="MusicBot",name="melody",namespace="music",type="Ready"} 0.0'
    assert shown in text
    assert shown not in later


async def test_a_port_in_use_is_told_in_a_sentence() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pages = Pages(Metrics().registry, healthy=str, ready=str, listen="127.0.0.1", port=port)

    with pytest.raises(NoPages, match="OPERATOR_PORT"):
        await pages.run()
    server.close()
