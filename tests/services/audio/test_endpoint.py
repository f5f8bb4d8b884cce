import asyncio
import pathlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from legato.audio.endpoint import Endpoints
from legato.errors import Unavailable
from legato_simulator import certs
from support_audio import voice_server


async def test_a_voice_server_answers_by_tls(tmp_path: pathlib.Path) -> None:
    endpoints = Endpoints()
    async with voice_server(tmp_path) as place:
        await endpoints.check(place)

    await endpoints.check(place)  # remembered for a moment


async def test_a_server_without_tls_does_not_do() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unavailable):
            await Endpoints().check(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")


async def test_a_server_that_says_nothing_costs_a_moment_only() -> None:
    closed = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        closed.set()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    with pytest.raises(Unavailable):
        await Endpoints(timeout=timedelta(milliseconds=200)).check(
            f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        )
    await closed.wait()
    server.close()


@pytest.mark.parametrize("place", ["127.0.0.1:1", "no.such.host.invalid", "127.0.0.1:notaport"])
async def test_what_is_not_there_is_unavailable(place: str) -> None:
    with pytest.raises(Unavailable):
        await Endpoints().check(place)


def test_a_take_over_lasts_as_long_as_the_fastest_of_late() -> None:
    endpoints = Endpoints()
    assert endpoints.takes("voice:1") == 0.0

    for seconds in (0.05, 0.3, 0.1, 0.2, 0.2):
        endpoints.took("voice:1", seconds)

    assert endpoints.takes("voice:1") == 0.1


async def test_a_server_whose_connection_ended_is_asked_again(tmp_path: pathlib.Path) -> None:
    endpoints = Endpoints()
    async with voice_server(tmp_path) as place:
        await endpoints.check(place)
    endpoints.doubt(place)

    with pytest.raises(Unavailable):
        await endpoints.check(place)


async def test_many_who_ask_a_dead_server_at_once_wait_no_longer_than_one() -> None:
    greeted = 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal greeted
        greeted += 1
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        endpoints = Endpoints(timeout=timedelta(milliseconds=200))
        asked = (endpoints.check(place) for _ in range(20))
        found = await asyncio.gather(*asked, return_exceptions=True)

    assert all(isinstance(each, Unavailable) for each in found)
    assert greeted == 1


@asynccontextmanager
async def greeting_server(
    folder: pathlib.Path, first: Callable[[web.WebSocketResponse], Awaitable[object]] | None = None
) -> AsyncIterator[str]:
    """Say Hello to each websocket, as a voice server does; or something else `first`."""

    async def greet(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await (first(socket) if first else socket.send_str('{"op":8}'))
        await socket.receive()
        return socket

    app = web.Application()
    app.router.add_get("/", greet)
    runner = web.AppRunner(app)
    await runner.setup()
    context = certs.make(folder).server_context()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_how_soon_a_server_greets_bounds_the_first_take_over(tmp_path: pathlib.Path) -> None:
    endpoints = Endpoints(timeout=timedelta(seconds=60))
    async with greeting_server(tmp_path) as place:
        await endpoints.learn(place)

    greeted = endpoints.takes(place)
    assert greeted > 0.0

    await endpoints.learn(place)  # it is gone, but nothing is asked again

    assert endpoints.takes(place) == greeted


async def test_a_server_that_greets_nobody_is_not_counted_on() -> None:
    endpoints = Endpoints()

    await endpoints.learn("127.0.0.1:1")

    assert endpoints.takes("127.0.0.1:1") == 0.0


@pytest.mark.parametrize(
    "first",
    [lambda socket: socket.close(code=1013), lambda socket: socket.send_bytes(b"what?")],
    ids=["closes", "speaks in bytes"],
)
async def test_a_server_that_says_no_hello_is_not_counted_on(
    tmp_path: pathlib.Path, first: Callable[[web.WebSocketResponse], Awaitable[object]]
) -> None:
    endpoints = Endpoints(timeout=timedelta(seconds=60))

    async with greeting_server(tmp_path, first) as place:
        await endpoints.learn(place)

    assert endpoints.takes(place) == 0.0
