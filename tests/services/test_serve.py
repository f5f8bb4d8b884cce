import asyncio
import socket

import aiohttp
import pytest
from litestar import get
from litestar.app import Litestar
from prometheus_client import CollectorRegistry

from legato import serve
from legato.health import Health
from legato.serve import Pages, PortInUse
from support_waiting import PATIENCE


def pages(
    port: int = 0, listen: str = "127.0.0.1", asked_for: asyncio.Event | None = None
) -> Pages:
    @get("/")
    async def slow() -> str:
        if asked_for is not None:
            asked_for.set()
            await asyncio.sleep(0.1)
        return "served"

    app = Litestar([slow], openapi_config=None)
    return Pages(app, listen=listen, port=port, setting="API_PORT")


async def read(port: int) -> str:
    url = f"http://127.0.0.1:{port}/"
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        return await answer.text()


async def test_an_open_request_ends_before_the_pages_do() -> None:
    asked_for, stop = asyncio.Event(), asyncio.Event()
    served = pages(asked_for=asked_for)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(served.run(stop))
        asked = tasks.create_task(read(served.port))
        await asyncio.wait_for(asked_for.wait(), PATIENCE)
        stop.set()

    assert asked.result() == "served"
    with pytest.raises(aiohttp.ClientConnectionError):
        await read(served.port)


async def test_a_cancelled_page_leaves_no_port_behind() -> None:
    served = pages()
    task = asyncio.create_task(served.run(asyncio.Event()))
    assert await read(served.port) == "served"
    task.cancel()
    await asyncio.wait([task])

    pages(served.port).close()


def test_a_port_in_use_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} is in use.*set API_PORT"):
            pages(port)


def test_an_address_that_is_not_ours_is_told_in_a_sentence() -> None:
    with pytest.raises(PortInUse, match=r"is no address of this machine\. Set LISTEN"):
        pages(listen="192.0.2.1")


async def test_beside_its_pages_a_service_works_until_told_to_stop() -> None:
    served, stop = pages(), asyncio.Event()
    health = Health("test", "me", checks=[], registry=CollectorRegistry())
    seen: list[str] = []

    async def work() -> None:
        health.ready = True
        seen.append(await read(served.port))
        stop.set()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(f"ended, ready: {health.ready}")

    await serve.beside(served, health, stop, work())

    assert seen == ["served", "ended, ready: False"]


async def test_what_fails_beside_the_pages_ends_them() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    health = Health("test", "me", checks=[], registry=CollectorRegistry())
    with pytest.raises(ExceptionGroup) as raised:
        await serve.beside(pages(), health, asyncio.Event(), work())

    assert raised.group_contains(ZeroDivisionError)
