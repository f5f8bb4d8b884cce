"""What Prometheus may answer; a real one is asked in e2e/cluster/test_prometheus.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from legato.settings import Secret
from legato_operator.answers import Sample
from legato_operator.prometheus import Prometheus
from legato_operator.scaling import NoAnswer


def vector(*values: str) -> dict[str, Any]:
    found = [{"metric": {"pod": f"a-{n}"}, "value": [1.5, one]} for n, one in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": found}}


@asynccontextmanager
async def answering(
    *answers: Any, status: int = 200, timeout: timedelta = timedelta(seconds=60)
) -> AsyncIterator[tuple[Prometheus, list[dict[str, str]]]]:
    """Run a server that gives one answer after the other, the last for ever; keep the questions."""
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        asked.append(form | {"auth": request.headers.get("Authorization", "")})
        body = answers[min(len(asked), len(answers)) - 1]
        if isinstance(body, str):
            return web.Response(status=status, text=body)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/at/api/v1/query", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/at/"
    server = Prometheus(url, token=Secret("secret"), timeout=timeout)
    try:
        yield server, asked
    finally:
        await server.close()
        await runner.cleanup()


async def test_series_are_read_with_their_labels() -> None:
    async with answering(vector("2", "3.5")) as (server, asked):
        found = await server.ask("up")

    assert found == [Sample({"pod": "a-0"}, 2), Sample({"pod": "a-1"}, 3.5)]
    assert asked == [{"query": "up", "lookback_delta": "60s", "auth": "Bearer secret"}]


async def test_a_scalar_is_one_series_without_labels() -> None:
    said = {"status": "success", "data": {"resultType": "scalar", "result": [1, "7"]}}

    async with answering(said) as (server, _):
        assert await server.ask("vector(7)") == [Sample({}, 7)]


async def test_nothing_is_no_zero() -> None:
    async with answering(vector()) as (server, _):
        assert await server.ask("up") == NoAnswer("Empty", "Prometheus has no such series")


async def test_what_is_only_found_long_ago_is_stale() -> None:
    async with answering(vector(), vector("5")) as (server, _):
        assert await server.ask("up") == NoAnswer("Stale", "Prometheus' figures are older than 1m")


async def test_a_warning_makes_an_answer_partial() -> None:
    async with answering(vector("5") | {"warnings": ["a store is away"]}) as (server, _):
        assert await server.ask("up") == NoAnswer(
            "Partial", "Prometheus answered in part: a store is away"
        )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("oh no", 500),
        ("", 200),
        ("[1, 2]", 200),
        ({"status": "error", "error": "parse error"}, 400),
        ({"status": "success"}, 200),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, 200),
        ({"status": "success", "data": {"resultType": "vector", "result": [{"value": 3}]}}, 200),
        ({"status": "success", "data": {"resultType": "vector", "result": {"a": 1}}}, 200),
        (vector("much"), 200),
        ("x" * (5 << 20), 200),
    ],
)
async def test_what_is_no_answer_is_an_error(body: Any, status: int) -> None:
    async with answering(body, status=status) as (server, _):
        found = await server.ask("up")

    assert isinstance(found, NoAnswer)
    assert found.why == "Error"
    assert "Prometheus" in found.message or "question" in found.message


async def test_a_server_that_is_away_or_slow_is_an_error() -> None:
    away = Prometheus("http://127.0.0.1:1")
    found = await away.ask("up")
    await away.close()

    assert isinstance(found, NoAnswer)
    assert found.why == "Error"

    async with answering(vector("1"), timeout=timedelta(microseconds=1)) as (server, _):
        slow = await server.ask("up")
    assert slow == NoAnswer("Error", "Prometheus does not answer: it takes too long")
