"""What a request comes to when its handler fails."""

import asyncio

import pytest
from aiohttp import ClientConnectionResetError, web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from legato.node.rest import edge
from legato.node.settings import NodeSettings
from legato.settings import Secret
from support_waiting import PATIENCE

HEADERS = {"Authorization": "secret"}
SETTINGS = NodeSettings(member="node", password=Secret("secret"))


def application(handler: Handler) -> web.Application:
    app = web.Application(middlewares=[edge.guard(SETTINGS)])
    app.router.add_get("/", handler)
    return app


async def test_a_client_that_goes_in_the_middle_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        begun.set()
        while request.transport is not None and not request.transport.is_closing():
            await asyncio.sleep(0)
        gone.set()
        raise ClientConnectionResetError("Cannot write to closing transport")

    async with TestClient(TestServer(application(handler))) as client:
        asked = asyncio.ensure_future(client.get("/", headers=HEADERS))
        await begun.wait()
        asked.cancel()
        await asyncio.wait_for(gone.wait(), PATIENCE)

    assert caplog.records == []


async def test_a_failure_is_told_and_logged(capsys: pytest.CaptureFixture[str]) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        raise ValueError("a bug")

    async with TestClient(TestServer(application(handler))) as client:
        answer = await client.get("/", headers=HEADERS)
        told = await answer.json()

    assert (answer.status, told["message"]) == (500, "a bug")
    assert "a request failed" in capsys.readouterr().out
