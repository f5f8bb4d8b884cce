"""A running node, a file server with faults, a voice server and a client, for the node's tests.

None is shown in full: pytest writes its fixtures out at every test, and these hold whole files.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from legato_simulator import certs
from legato_simulator.continuity import Arrival
from legato_simulator.ear import Request, moments, samples
from legato_simulator.listener import Report
from legato_simulator.opus import Samples
from legato_simulator.timecode import Analysis, loudness_db
from legato_simulator.voice_server import VoiceServer
from support_waiting import PATIENCE, until

CHANNEL, BOT, VOICE_SESSION = 71, 700, "gateway-session"
PASSWORD = "a test's password"
Json = dict[str, object]
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(repr=False)
class Files:
    """A file server: files with Range, and paths that misbehave as a test says."""

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    special: dict[str, Serve] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server ends: what a handler that hangs waits for."""

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    async def until(self, event: asyncio.Event) -> None:
        """Wait in a handler, but never beyond the server's end."""
        waiting = [asyncio.create_task(each.wait()) for each in (event, self.closing)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        wanted = request.headers.get("Range", "")
        self.requests.append((name, wanted))
        if name in self.special:
            return await self.special[name](request)
        if name not in self.files:
            return web.Response(status=404)
        return ranged(self.files[name], wanted)


def ranged(data: bytes, wanted: str) -> web.Response:
    """Answer a Range request for the rest of a file."""
    if not wanted.startswith("bytes="):
        return web.Response(body=data)
    start = int(wanted[6:].partition("-")[0])
    if start >= len(data):
        return web.Response(status=416)
    headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
    return web.Response(status=206, body=data[start:], headers=headers)


@asynccontextmanager
async def file_server() -> AsyncIterator[Files]:
    """Run a file server."""
    files = Files()
    application = web.Application()
    application.router.add_get("/{name:.*}", files.serve)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    files.port = runner.addresses[0][1]
    try:
        yield files
    finally:
        files.closing.set()
        await runner.cleanup()


@dataclass(repr=False)
class Client:
    """One client's websocket and REST."""

    node: "RunningNode"
    socket: aiohttp.ClientWebSocketResponse
    messages: list[Json] = field(default_factory=list)
    session: str = ""
    reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        async for message in self.socket:
            self.messages.append(json.loads(message.data))

    def of(self, op: str) -> list[Json]:
        return [message for message in self.messages if message["op"] == op]

    def events(self, kind: str) -> list[Json]:
        return [event for event in self.of("event") if event["type"] == kind]

    async def event(self, kind: str, number: int = 1) -> Json:
        await until(lambda: len(self.events(kind)) >= number)
        return self.events(kind)[number - 1]

    def path(self, guild: int | None) -> str:
        base = f"/v4/sessions/{self.session}/players"
        return base if guild is None else f"{base}/{guild}"

    async def patch(self, body: Json, *, guild: int, query: str = "") -> Json:
        status, answer = await self.node.request("PATCH", self.path(guild) + query, body)
        assert status == 200, answer
        return answer

    async def player(self, guild: int) -> Json:
        status, answer = await self.node.request("GET", self.path(guild))
        assert status == 200, answer
        return answer

    async def leave(self) -> None:
        """End the session with its players."""
        if not self.socket.closed:
            path = f"/v4/sessions/{self.session}"
            await self.node.request("PATCH", path, {"resuming": False})
        await self.close()

    async def close(self, *, abort: bool = False) -> None:
        """Close the socket, or let the connection break."""
        connection = self.socket._response.connection
        if abort and connection is not None and connection.transport is not None:
            connection.transport.abort()
        await self.socket.close()
        if self.reading is not None:
            await asyncio.wait([self.reading])


@dataclass(repr=False)
class RunningNode:
    """A node as its own process."""

    process: asyncio.subprocess.Process
    http: aiohttp.ClientSession
    port: int = 0
    log: list[str] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def request(
        self, method: str, path: str, body: object = None, *, password: str | None = PASSWORD
    ) -> tuple[int, Json]:
        """Ask, with the answer as JSON where it is."""
        headers = {} if password is None else {"Authorization": password}
        async with self.http.request(
            method, self.url + path, json=body, headers=headers
        ) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return response.status, json.loads(text) if is_json else {"text": text}

    async def load(self, link: str) -> Json:
        url = URL(self.url + "/v4/loadtracks").with_query(identifier=link)
        async with self.http.get(url, headers={"Authorization": PASSWORD}) as response:
            assert response.status == 200
            loaded: Json = await response.json()
            return loaded

    async def connect(self, *, session: str | None = None, user: int = BOT) -> Client:
        """Open a client's websocket and wait for ready."""
        headers = {
            "Authorization": PASSWORD,
            "User-Id": str(user),
            "Client-Name": "legato-tests/1",
        }
        if session is not None:
            headers["Session-Id"] = session
        socket = await self.http.ws_connect(self.url + "/v4/websocket", headers=headers)
        client = Client(self, socket)
        client.reading = asyncio.create_task(client.read())
        self.clients.append(client)
        await until(lambda: client.of("ready"))
        client.session = str(client.of("ready")[0]["sessionId"])
        return client

    def children(self) -> dict[int, str]:
        """List the node's processes and their command lines, without one that has just ended."""
        pid, found = self.process.pid, {}
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):
                line = Path(f"/proc/{child}/cmdline").read_bytes()
                found[int(child)] = line.replace(b"\0", b" ").decode()
        return found

    async def stop(self) -> float:
        """Stop it with SIGTERM; gives how long that took."""
        start = time.monotonic()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await self.process.wait()
        return time.monotonic() - start


@asynccontextmanager
async def running_node(
    *, ca_file: Path | None = None, allowed: tuple[str, ...] = (), **settings: object
) -> AsyncIterator[RunningNode]:
    """Run a node on a free port; settings by name."""
    own = {"PORT": "0", "PASSWORD": PASSWORD, "ALLOWED_PRIVATE": ",".join(allowed)}
    own |= {name.upper(): str(value) for name, value in settings.items()}
    if ca_file is not None:
        own["SSL_CERT_FILE"] = str(ca_file)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "legato.node",
        env={**os.environ, **own},
        stderr=asyncio.subprocess.PIPE,
    )
    async with aiohttp.ClientSession() as http:
        node = RunningNode(process, http)
        reading = asyncio.create_task(_read_log(node))
        try:
            await until(lambda: node.port or process.returncode is not None)
            assert node.port, "\n".join(node.log)
            yield node
        finally:
            for client in node.clients:
                await client.close()
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading


async def _read_log(node: RunningNode) -> None:
    assert node.process.stderr is not None
    async for line in node.process.stderr:
        text = line.decode().rstrip()
        node.log.append(text)
        if text.startswith("{") and '"ready"' in text:
            node.port = int(json.loads(text).get("port", 0))


@dataclass(repr=False)
class Stage:
    """One guild of a running node with its client, its voice server and its file server."""

    files: Files
    voice: VoiceServer
    node: RunningNode
    client: Client
    guild: int

    async def credentials(self) -> Json:
        given = await self.voice.open(self.guild, CHANNEL, BOT, VOICE_SESSION)
        return {
            "token": given.token,
            "endpoint": given.endpoint,
            "sessionId": VOICE_SESSION,
            "channelId": str(CHANNEL),
        }

    async def track(self, name: str) -> str:
        """Load a file and give its encoded track."""
        loaded = await self.node.load(self.files.url(name))
        assert loaded["loadType"] == "track", loaded
        data = loaded["data"]
        assert isinstance(data, dict)
        return str(data["encoded"])

    async def play(self, name: str, **fields: object) -> None:
        """Join voice and play a file."""
        body = {"track": {"encoded": await self.track(name)}, **fields}
        await self.patch(**body, voice=await self.credentials())

    async def patch(self, **body: object) -> Json:
        return await self.client.patch(body, guild=self.guild)

    def heard(self) -> list[Arrival]:
        """List the packets that have come."""
        listener = self.voice.listener(self.guild, BOT)
        return [] if listener is None else list(listener.kept)

    def sounding(self) -> list[Arrival]:
        return [arrival for arrival in self.heard() if not arrival.silent]

    async def frames(self, count: int) -> None:
        """Wait until so many more frames of sound have come."""
        before = len(self.sounding())
        await until(lambda: len(self.sounding()) >= before + count)

    async def quiet(self) -> None:
        """Wait until nothing has come for 150 ms."""

        def is_quiet() -> bool:
            return bool(self.heard()) and time.monotonic() - self.heard()[-1].at_ns / 1e9 > 0.15

        await until(is_quiet)

    def report(self) -> Report:
        report = self.voice.report(self.guild, BOT)
        assert report is not None
        return report

    def moments(self, *, start: int = 0, end: int | None = None) -> Analysis:
        """Say which moments of which track were heard, from a stretch of packets."""
        return moments(_request(self.heard()[start:end])).analysis

    def samples(self) -> Samples:
        """Decode every packet that has come, as a listener does who was there from the start."""
        heard: Samples = samples(_request(self.heard()))
        return heard

    def loudness(self, *, start: int = 0, end: int | None = None) -> float:
        return loudness_db(samples(_request(self.sounding()[start:end])))


@dataclass(repr=False)
class Studio:
    """A node with everything around it, for several tests one after another."""

    files: Files
    voice: VoiceServer
    node: RunningNode
    guilds: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def stages(
        self, names: Iterable[str], play: Callable[[Stage, str], Coroutine[None, None, None]]
    ) -> dict[str, Stage]:
        """Do the same at once with each name in a guild of its own; listen afterwards."""
        stages = {name: await self.stage() for name in names}
        async with asyncio.TaskGroup() as group:
            for name, stage in stages.items():
                group.create_task(play(stage, name))
        return stages

    async def stage(self) -> Stage:
        """Give a guild of its own with a client of its own."""
        guild = next(self.guilds) << 22
        return Stage(self.files, self.voice, self.node, await self.node.connect(), guild)


Play = Callable[[Stage, str], Coroutine[None, None, None]]
Stages = Callable[[Iterable[str], Play], Awaitable[dict[str, Stage]]]
"""`Studio.stages` of a running studio."""


def state(player: Json) -> Json:
    """Give a player's state."""
    found = player["state"]
    assert isinstance(found, dict)
    return found


def _request(arrivals: list[Arrival]) -> Request:
    return Request(
        want="moments",
        at=[arrival.at_ns / 1e9 for arrival in arrivals],
        epoch=[arrival.epoch for arrival in arrivals],
        payload=[arrival.payload for arrival in arrivals],
    )


@asynccontextmanager
async def studio(
    folder: Path, files: dict[str, bytes], **settings: object
) -> AsyncIterator[Studio]:
    """Run everything."""
    voice = VoiceServer(certs.make(folder))
    await voice.start()
    try:
        async with file_server() as server:
            server.files.update(files)
            allowed = (f"127.0.0.1:{server.port}",)
            ca_file = voice.certificates.ca_file
            async with running_node(ca_file=ca_file, allowed=allowed, **settings) as node:
                yield Studio(server, voice, node)
    finally:
        await voice.stop()
