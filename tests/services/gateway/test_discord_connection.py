"""hikari's shard, where it meets a transport that breaks."""

import asyncio
import contextlib
import gc
import json
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web
from backports import zstd
from hikari import errors
from hikari.impl import HTTPSettings, ProxySettings
from hikari.impl import shard as hikari_shard

from legato.gateway.discord_connection import Connection, Link
from legato.settings import Secret
from support_waiting import PATIENCE, until

READY = {
    "session_id": "s",
    "resume_gateway_url": "ws://x",
    "user": {"id": "1", "username": "bot", "discriminator": "0"},
    "guilds": [],
    "v": 10,
}


class Torn:
    """A transport that breaks while it is being read and written at once."""

    def __init__(self):
        self.coming = [
            {"op": 10, "d": {"heartbeat_interval": 20}, "s": None, "t": None},
            {"op": 0, "t": "READY", "s": 1, "d": READY},
        ]
        self.beats = 0
        self.acknowledged = False
        self.breaks = asyncio.Event()
        self._sent_close = False
        self._exit_stack = contextlib.AsyncExitStack()
        self._ws = self

    async def receive_json(self):
        if self.coming:
            return self.coming.pop(0)
        if self.beats == 1 and not self.acknowledged:
            await asyncio.sleep(0.005)
            self.acknowledged = True
            return {"op": 11, "d": None, "s": None, "t": None}
        await self.breaks.wait()
        raise errors.GatewayConnectionError("torn")

    async def send_json(self, data):
        self.beats += data["op"] == 1
        if self.beats > 1:
            await self.breaks.wait()
            raise ConnectionResetError("torn")

    async def close(self, *, code, message):
        pass


class Anybody:
    """A gate that is open, and a sink that keeps nothing."""

    async def may_connect(self, *, resuming):
        pass

    async def may_identify(self):
        pass

    def take(self, name, seq, session_id, data):
        pass


async def test_a_socket_that_breaks_while_a_heartbeat_is_sent_leaves_no_error_behind(monkeypatch):
    made, complaints = [], []

    async def connect(**_):
        made.append(Torn())
        return made[-1]

    monkeypatch.setattr(hikari_shard._GatewayTransport, "connect", connect)
    # It connects again at once.
    monkeypatch.setattr(hikari_shard, "_BACKOFF_WINDOW", 0.0)
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    anybody = Anybody()
    connection = Connection(Link(Secret("t"), "ws://x"), 0, 1, gate=anybody, sink=anybody)
    running = asyncio.create_task(connection.run())

    await until(lambda: made and made[0].beats > 1)
    made[0].breaks.set()
    await until(lambda: len(made) > 1)
    gc.collect()
    running.cancel()
    await asyncio.wait([running])
    gc.collect()

    assert complaints == []


class Lost(Torn):
    """A transport that breaks, and whose heartbeat takes a moment to end."""

    def __init__(self):
        super().__init__()
        self.is_ending = asyncio.Event()

    async def send_json(self, data):
        self.beats += data["op"] == 1
        if self.beats > 1:
            try:
                await asyncio.Event().wait()
            finally:
                self.is_ending.set()
                await asyncio.sleep(0.05)


async def test_who_is_ended_while_a_connection_was_just_lost_connects_no_more(monkeypatch):
    made = []

    async def connect(**_):
        made.append(Lost())
        return made[-1]

    monkeypatch.setattr(hikari_shard._GatewayTransport, "connect", connect)
    monkeypatch.setattr(hikari_shard, "_BACKOFF_WINDOW", 0.0)
    anybody = Anybody()
    connection = Connection(Link(Secret("t"), "ws://x"), 0, 1, gate=anybody, sink=anybody)
    running = asyncio.create_task(connection.run())

    await until(lambda: made and made[0].beats > 1)
    made[0].breaks.set()
    await made[0].is_ending.wait()
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=PATIENCE)

    assert done
    assert len(made) == 1


class Server:
    """A gateway on the wire that greets whoever connects, and keeps how they leave."""

    def __init__(self) -> None:
        self.url = ""
        self.codes: list[int | None] = []

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket, stream = web.WebSocketResponse(), zstd.ZstdCompressor()

        async def send(payload: object) -> None:
            packed = stream.compress(json.dumps(payload).encode(), stream.FLUSH_BLOCK)
            await socket.send_bytes(packed)

        await socket.prepare(request)
        await send({"op": 10, "d": {"heartbeat_interval": 40_000}})
        async for message in socket:
            if message.type is WSMsgType.BINARY and json.loads(message.data)["op"] == 2:
                await send({"op": 0, "t": "READY", "s": 1, "d": READY})
        self.codes.append(socket.close_code)
        return socket


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found, app = Server(), web.Application()
    app.router.add_get("/", found.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """List how long anybody slept."""
    found: list[float] = []
    sleep = asyncio.sleep

    async def noting(seconds: float) -> None:
        found.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", noting)
    return found


PAUSE = 0.25


async def test_who_is_ended_while_it_connects_leaves_nothing_open() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    came, anybody = asyncio.Event(), Anybody()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await _reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        link = Link(Secret("t"), f"ws://127.0.0.1:{port}")
        running = asyncio.create_task(Connection(link, 0, 1, gate=anybody, sink=anybody).run())
        await came.wait()
        running.cancel()
        done, _ = await asyncio.wait([running], timeout=PATIENCE)
        gc.collect()

    assert done
    assert complaints == []


async def test_a_shard_that_is_left_keeps_its_session_and_waits_for_nothing_more(
    server: Server, paused: list[float]
) -> None:
    anybody = Anybody()
    connection = Connection(Link(Secret("t"), server.url), 0, 1, gate=anybody, sink=anybody)
    running = asyncio.create_task(connection.run())
    await until(lambda: connection.is_connected)

    running.cancel()
    await asyncio.wait([running])
    await until(lambda: server.codes)

    assert server.codes == [4000]
    assert PAUSE not in paused


async def test_hikari_still_pauses_after_a_close(server: Server, paused: list[float]) -> None:
    """Where it does so no more, a close of ours is needed for the code alone."""
    transport = await hikari_shard._GatewayTransport.connect(
        http_settings=HTTPSettings(),
        logger=logging.getLogger(),
        proxy_settings=ProxySettings(),
        log_filterer=lambda text: text,
        dumps=lambda what: json.dumps(what).encode(),
        loads=json.loads,
        compression=None,
        url=server.url,
    )

    await transport.send_close(code=1000, message=b"")

    assert PAUSE in paused
