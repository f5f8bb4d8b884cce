import asyncio
import contextlib
import socket

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from legato import health_pages, serve
from legato.health import Check, Health


async def well() -> str:
    return "18.6"


async def broken() -> None:
    raise ConnectionRefusedError("nobody at postgresql://legato:hunter2@db/legato")


async def hanging() -> None:
    await asyncio.Event().wait()


def health_of(*checks: Check) -> Health:
    return Health("api", "me", checks=checks, registry=CollectorRegistry())


@contextlib.asynccontextmanager
async def served(health: Health):
    pages = serve.Pages(
        health_pages.application(health), listen="127.0.0.1", port=0, setting="API_PORT"
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(pages.run(stop))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{pages.port}") as session:
            yield session
        stop.set()


async def test_a_healthy_service_names_each_dependency_with_its_latency():
    async with (
        served(health_of(Check("postgres", well))) as session,
        session.get("/health") as answer,
    ):
        report = await answer.json()

    assert answer.status == 200
    assert report["status"] == "healthy"
    assert report["dependencies"]["postgres"]["detail"] == "18.6"
    assert report["dependencies"]["postgres"]["latency_ms"] >= 0


async def test_a_critical_dependency_makes_it_unhealthy_and_shows_no_password():
    async with (
        served(health_of(Check("postgres", broken))) as session,
        session.get("/health") as answer,
    ):
        report = await answer.json()

    assert answer.status == 503
    assert report["status"] == "unhealthy"
    assert "hunter2" not in str(report)


async def test_another_dependency_only_degrades_it():
    report = await health_of(
        Check("postgres", well), Check("traces", hanging, critical=False, timeout=0.01)
    ).report()

    assert report.status == "degraded"
    assert report.dependencies["traces"].detail == "no answer in 0.01 s"


async def test_repeated_stalls_of_the_loop_are_a_health_failure():
    health = health_of()
    for _ in range(3):
        health.lag.add(0.3)

    assert (await health.report()).status == "unhealthy"


async def test_ready_only_once_the_service_says_so():
    health = health_of()
    async with served(health) as session:
        async with session.get("/ready") as before:
            pass
        health.ready = True
        async with session.get("/ready") as after:
            pass

    assert (before.status, after.status) == (503, 200)


async def test_metrics_and_performance_tell_of_the_loop():
    health = health_of()
    health.lag.add(0.02)
    async with served(health) as session:
        async with session.get("/metrics") as answer:
            metrics = await answer.text()
        async with session.get("/performance") as answer:
            performance = await answer.json()

    assert "legato_event_loop_lag_seconds_count 1.0" in metrics
    assert performance["event_loop"]["max_ms"] == 20
    assert performance["operations"]["legato_event_loop_lag_seconds"]["count"] == 1
    assert performance["resident_bytes"] > 1_000_000


def test_a_port_in_use_is_said_in_one_sentence():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(serve.PortInUse) as raised:
            serve.Pages(
                health_pages.application(health_of()),
                listen="127.0.0.1",
                port=port,
                setting="API_PORT",
            )

    assert str(raised.value) == (
        f"Port {port} is in use. Stop the program that uses it, "
        "or set API_PORT to another port (0 = any free one)."
    )
