"""The whole platform on one machine, part by part; the test is its supervisor."""

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import redis.asyncio

from legato import fleet
from legato import redis as legato_redis
from legato.contracts.fleet import Node
from legato.embedded import child, parts, ports
from legato.embedded.child import Program
from legato.embedded.folder import Folder
from legato.embedded.postgres import Postgres
from legato.embedded.valkey import Valkey
from legato_machine import logs
from legato_machine.room import Room
from legato_machine.service import Service
from legato_simulator.client import SimulatorClient
from legato_simulator.voice_client import VoiceClient

SERVICES = ("gateway", "audio", "api", "worker")
GRACE = timedelta(seconds=25)
"""More than the services' own stop timeout of 20 s."""


class Machine:
    """Every part by name, what joins them, and the Discord they serve."""

    def __init__(self, folder: pathlib.Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = Folder(folder)
        self.settings = dict(settings or {})
        """More environment for gateway, audio, api and worker."""
        self.simulated: parts.Simulated
        self.discord: SimulatorClient
        self.voice: VoiceClient
        self.bot_id = 0
        self.ports = {name: ports.free() for name in ("simulator", "node", *SERVICES)}
        self.parts: dict[str, Service] = {}
        self._http: aiohttp.ClientSession
        self._postgres = Postgres(
            self.folder.part("postgres", mode=0o711),
            ports.free(),
            self.folder.secret("postgres"),
            self.folder.log("postgres"),
            options={"fsync": "off"},
        )
        self._valkey = Valkey(
            self.folder.path / "valkey",
            ports.free(),
            self.folder.secret("valkey"),
            self.folder.log("valkey"),
        )
        self._make_parts()

    async def __aenter__(self) -> Self:
        """Start everything and wait until all are ready."""
        try:
            await self._start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything."""
        await self._end()

    @property
    def database_url(self) -> str:
        """Say the address of the machine's PostgreSQL."""
        return self._postgres.url

    @property
    def redis_url(self) -> str:
        """Say the address of the machine's Valkey."""
        return self._valkey.url

    @contextlib.asynccontextmanager
    async def redis(self) -> AsyncIterator[redis.asyncio.Redis]:
        """Open a connection to look into the machine's Valkey."""
        client = redis.asyncio.Redis.from_url(self.redis_url, decode_responses=True)
        try:
            yield client
        finally:
            await client.aclose()

    async def start(self, *names: str) -> None:
        """Start parts one after the other, each ready before the next."""
        for name in names:
            await self.parts[name].start()

    async def start_together(self, *names: str) -> None:
        """Start parts side by side, and wait until all are ready."""
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(self.parts[name].start())

    async def loads(self) -> int:
        """Count what the node was ever asked to load."""
        headers = {"Authorization": self.folder.secret("node")}
        url = f"http://{ports.LOOPBACK}:{self.ports['node']}/metrics"
        async with self._http.get(url, headers=headers) as answer:
            text = await answer.text()
        found = [line for line in text.splitlines() if line.startswith("legato_node_loads_total")]
        return round(sum(float(line.rsplit(" ", 1)[1]) for line in found))

    async def restart_dead(self, name: str) -> None:
        """Do as a supervisor does for a part that died: free its leases, start it again."""
        await self.bury(name)
        await self.parts[name].start()

    async def bury(self, name: str) -> None:
        """Free the leases that a dead process held."""
        client = legato_redis.connect(self.redis_url)
        try:
            await fleet.bury(client, bot=self.bot_id, member=self.parts[name].member)
        finally:
            await client.aclose()

    async def room(self, name: str = "Legato Lounge") -> Room:
        """Make a guild with one listener in its voice channel."""
        return await Room.made(self, name)

    async def get(self, service: str, path: str) -> aiohttp.ClientResponse:
        """Ask a service's pages."""
        url = f"http://{ports.LOOPBACK}:{self.ports[service]}{path}"
        return await self._http.get(url)

    def music(self, name: str) -> str:
        """Say the link of a piece or tone: `tone-5-60s.ogg`."""
        return f"{self.simulated.url}/music/{name}"

    async def make(self, name: str) -> str:
        """Have a piece or tone made beforehand, so that no test times it; return its link."""
        link = self.music(name)
        async with self._http.get(link, headers={"Range": "bytes=0-0"}) as answer:
            answer.raise_for_status()
        return link

    def warnings(self) -> Counter[str]:
        """Count what warned in any log of ours."""
        found: Counter[str] = Counter()
        for name, part in self.parts.items():
            lines = (
                logs.loud_server(name, part.log) if name in logs.SERVERS else logs.loud(part.log)
            )
            found.update(lines)
        return found

    async def end_ours(self) -> None:
        """End everything but Discord, in order, so that the record and the logs are whole."""
        for name, part in reversed(self.parts.items()):
            if name != "simulator":
                await part.end()

    async def _start(self) -> None:
        self._http = aiohttp.ClientSession()
        await self.start("postgres", "valkey", "simulator")
        simulated = parts.simulated(self.folder)
        if simulated is None:
            raise AssertionError("the simulator did not print its line")
        self.simulated = simulated
        self.discord = SimulatorClient(f"{simulated.url}/control")
        self.voice = VoiceClient(self._http, simulated.url)
        self.bot_id = int((await self.discord.bots())[0].id)
        client = legato_redis.connect(self.redis_url)
        node = Node(
            name="node-1",
            url=f"http://{ports.LOOPBACK}:{self.ports['node']}",
            password=self.folder.secret("node"),
        )
        await fleet.direct(client, bot=self.bot_id, nodes=(node,))
        await client.aclose()
        await self._migrate()
        await self.start("node")
        await self.start_together(*SERVICES)

    async def _migrate(self) -> None:
        program = self._program("migrate", {"DATABASE_URL": self.database_url})
        await asyncio.to_thread(child.run, program)

    async def _end(self) -> None:
        for service in reversed(self.parts.values()):
            await service.end()
        if hasattr(self, "discord"):
            await self.discord.__aexit__(None, None, None)
        await self._http.close()

    def _make_parts(self) -> None:
        simulator = parts.simulator(self.folder, self.ports["simulator"])
        found = [
            Service("postgres", self._postgres.prepare, self._postgres.is_ready),
            Service("valkey", self._valkey.prepare, self._valkey.is_ready),
            Service("simulator", lambda: observed(simulator.prepare()), simulator.is_ready),
            Service("node", self._node_program, self._node_is_ready),
            *(self._service(name) for name in SERVICES),
        ]
        self.parts = {part.name: part for part in found}

    def _service(self, name: str) -> Service:
        def program() -> Program:
            return self._program(name, self._environment(name, service.member))

        def is_ready() -> bool:
            return parts.answers(f"http://{ports.LOOPBACK}:{self.ports[name]}/ready")

        service = Service(name, program, is_ready)
        return service

    def _node_program(self) -> Program:
        return self._program(
            "node",
            {
                "PORT": str(self.ports["node"]),
                "PASSWORD": self.folder.secret("node"),
                "ALLOWED_PRIVATE": self._library,
                "SSL_CERT_FILE": self.simulated.ca_file,
            },
        )

    def _node_is_ready(self) -> bool:
        url = f"http://{ports.LOOPBACK}:{self.ports['node']}/version"
        return parts.answers(url, self.folder.secret("node"))

    def _environment(self, name: str, member: str) -> dict[str, str]:
        return {
            "MEMBER": member,
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": self.database_url,
            "DISCORD_TOKEN": self.simulated.tokens[0],
            "DISCORD_APPLICATION_ID": str(self.bot_id),
            "DISCORD_REST_URL": f"{self.simulated.url}/api/v10",
            "ALLOWED_ADDRESSES": self._library,
            "CATALOGUE_URL": self.music("catalogue.json"),
            "SSL_CERT_FILE": self.simulated.ca_file,
            f"{name.upper()}_PORT": str(self.ports.get(name, 0)),
            **self.settings,
        }

    def _program(self, name: str, environment: Mapping[str, str]) -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-m", "legato", name),
            log=self.folder.log(name),
            environment={**parts.plain_environment(), **environment},
            grace=GRACE,
        )

    @property
    def _library(self) -> str:
        return urlsplit(self.simulated.url).netloc


def observed(program: Program) -> Program:
    """Let the simulator check every request and answer against Discord's own description."""
    path = description()
    if path is None:
        return program
    return dataclasses.replace(
        program, environment={**program.environment, "DISCORD_OPENAPI": str(path)}
    )


def description() -> pathlib.Path | None:
    """Find Discord's openapi.json: named by DISCORD_OPENAPI, else beside the checkout."""
    beside = pathlib.Path(__file__).parents[3] / "shared" / "discord" / "openapi.json"
    path = pathlib.Path(os.environ.get("DISCORD_OPENAPI") or beside)
    return path if path.is_file() else None


@contextlib.asynccontextmanager
async def running(settings: Mapping[str, str] | None = None) -> AsyncIterator[Machine]:
    """Run a machine in a folder of its own, which goes with it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="legato-machine-"))
    os.chmod(folder, 0o711)  # noqa: PTH101, S103 (PostgreSQL's own user passes through)
    try:
        async with Machine(folder, settings) as machine:
            yield machine
    finally:
        keep = os.environ.get("LEGATO_KEEP_LOGS")
        if keep:
            shutil.copytree(folder / "logs", pathlib.Path(keep) / folder.name, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
