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
from legato.up import ALONE
from legato_machine import logs
from legato_machine.fleet import Fleet
from legato_machine.proxy import Proxy
from legato_machine.room import Room
from legato_machine.service import Service
from legato_machine.small_disk import SmallDisk
from legato_simulator.client import SimulatorClient
from legato_simulator.voice_client import VoiceClient

SERVICES = ("gateway", "audio", "api", "worker")


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario wants of its machine."""

    nodes: int = 1
    audio: int = 1
    gateway: int = 1
    """Of several the parts are called node-1, node-2, …; one alone has its plain name."""
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """More environment for gateway, audio, api and worker."""
    discord: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """More environment for the simulator: SIMULATOR_SHARDS and so on."""
    node_settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """More environment for the nodes."""
    programs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """A file of Python to run instead of a service, as one with a fault in it: by kind."""
    behind: frozenset[str] = frozenset()
    """Parts that the services reach through a proxy: valkey, postgres, node, node-2, …"""
    small_disk: bool = False
    """PostgreSQL has a disk of its own, which can be filled."""

    def names(self, kind: str) -> tuple[str, ...]:
        """Name the parts of a kind."""
        count = {"node": self.nodes, "audio": self.audio, "gateway": self.gateway}.get(kind, 1)
        return (kind,) if count == 1 else tuple(f"{kind}-{one}" for one in range(1, count + 1))

    @property
    def services(self) -> tuple[str, ...]:
        """Name every part that runs a service."""
        return tuple(name for kind in SERVICES for name in self.names(kind))


GRACE = timedelta(seconds=25)
"""More than the services' own stop timeout of 20 s."""


class Machine:
    """Every part by name, what joins them, and the Discord they serve."""

    def __init__(self, folder: pathlib.Path, stage: Stage | None = None) -> None:
        self.folder = Folder(folder)
        self.stage = stage or Stage()
        self.simulated: parts.Simulated
        self.discord: SimulatorClient
        self.voice: VoiceClient
        self.bot_id = 0
        self.ports: dict[str, int] = {}
        self._closing = contextlib.ExitStack()
        self._claims = self._closing.enter_context(ports.Claims())
        self.parts: dict[str, Service] = {}
        self.fleet = Fleet(self)
        self._http: aiohttp.ClientSession
        self._postgres = Postgres(
            self.folder.part("postgres", mode=0o711),
            self._claims.free(),
            self.folder.secret("postgres"),
            self.folder.log("postgres"),
            options={"fsync": "off"},
        )
        self._valkey = Valkey(
            self.folder.path / "valkey",
            self._claims.free(),
            self.folder.secret("valkey"),
            self.folder.log("valkey"),
        )
        self.proxies: dict[str, Proxy] = {}
        """By the part they stand before: those that the stage wants."""
        self.disk = SmallDisk(self._postgres.data) if self.stage.small_disk else None
        self._make_parts()

    async def __aenter__(self) -> Self:
        """Start everything and wait until all are ready."""
        try:
            await self._start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything."""
        await self._end()

    @property
    def database_url(self) -> str:
        """Say the address of the machine's PostgreSQL, past any proxy."""
        return self._postgres.url

    @property
    def redis_url(self) -> str:
        """Say the address of the machine's Valkey, past any proxy."""
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

    async def add(self, kind: str) -> str:
        """Start one more of a kind beside those there are; return its name."""
        name = f"{kind}-{sum(name.partition('-')[0] == kind for name in self.parts) + 1}"
        self.parts[name] = self._service(name)
        await self.start(name)
        return name

    async def loads(self, node: str = "node") -> int:
        """Count what a node was ever asked to load."""
        headers = {"Authorization": self.folder.secret("node")}
        url = f"http://{ports.LOOPBACK}:{self.ports[node]}/metrics"
        async with self._http.get(url, headers=headers) as answer:
            text = await answer.text()
        found = [line for line in text.splitlines() if line.startswith("legato_node_loads_total{")]
        if not found:
            raise AssertionError("the node does not count its loads")
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
            found.update(logs.of_part(name, part.log))
        return found

    async def end_ours(self) -> None:
        """End everything but Discord, in order, so that the record and the logs are whole."""
        for name, part in reversed(self.parts.items()):
            if name != "simulator":
                await part.end()

    async def _start(self) -> None:
        self._http = aiohttp.ClientSession()
        self._open_proxies()
        await self.start("postgres", "valkey", "simulator")
        simulated = parts.simulated(self.folder)
        if simulated is None:
            raise AssertionError("the simulator did not print its line")
        self.simulated = simulated
        self.discord = SimulatorClient(f"{simulated.url}/control")
        self.voice = VoiceClient(self._http, simulated.url)
        self.bot_id = int((await self.discord.bots())[0].id)
        client = legato_redis.connect(self.redis_url)
        await fleet.direct(client, bot=self.bot_id, nodes=self._directed())
        await client.aclose()
        await self._migrate()
        await self.start_together(*self.stage.names("node"))
        await self.start_together(*self.stage.services)

    def _open_proxies(self) -> None:
        servers = {"valkey": self._valkey.port, "postgres": self._postgres.port}
        for name in sorted(self.stage.behind):
            proxy = Proxy(servers.get(name) or self.ports[name])
            self.proxies[name] = self._closing.enter_context(proxy)

    def _through(self, name: str, url: str) -> str:
        """Lead an address through the part's proxy, where it has one."""
        if name not in self.proxies:
            return url
        return url.replace(f":{urlsplit(url).port}", f":{self.proxies[name].port}")

    def _directed(self) -> tuple[Node, ...]:
        """Describe the nodes as the directive does; the only one is called node-1 too."""
        return tuple(
            Node(
                name=f"node-{number}",
                url=self._through(name, f"http://{ports.LOOPBACK}:{self.ports[name]}"),
                password=self.folder.secret("node"),
            )
            for number, name in enumerate(self.stage.names("node"), start=1)
        )

    async def _migrate(self) -> None:
        program = self._program("migrate", {"DATABASE_URL": self.database_url})
        await asyncio.to_thread(child.run, program)

    async def _end(self) -> None:
        for service in reversed(self.parts.values()):
            await service.end()
        if hasattr(self, "discord"):
            await self.discord.__aexit__(None, None, None)
        await self._http.close()
        self._closing.close()

    def _make_parts(self) -> None:
        simulator = parts.simulator(self.folder, self._port("simulator"))
        found = [
            Service("postgres", self._database_server, self._postgres.is_ready),
            Service("valkey", self._valkey.prepare, self._valkey.is_ready),
            Service(
                "simulator",
                lambda: observed(simulator.prepare(), self.stage.discord),
                simulator.is_ready,
            ),
            *(self._node(name) for name in self.stage.names("node")),
            *(self._service(name) for name in self.stage.services),
        ]
        self.parts = {part.name: part for part in found}

    def _database_server(self) -> Program:
        program = self._postgres.prepare()
        return self.disk.under(program) if self.disk else program

    def _port(self, name: str) -> int:
        if name not in self.ports:
            self.ports[name] = self._claims.free()
        return self.ports[name]

    def _service(self, name: str) -> Service:
        url = f"http://{ports.LOOPBACK}:{self._port(name)}/ready"

        def program() -> Program:
            return self._program(name, self._environment(name, service.member))

        service = Service(name, program, lambda: parts.answers(url))
        return service

    def _node(self, name: str) -> Service:
        url = f"http://{ports.LOOPBACK}:{self._port(name)}/version"
        password = self.folder.secret("node")

        def program() -> Program:
            environment = {
                "PORT": str(self.ports[name]),
                "PASSWORD": password,
                "ALLOWED_PRIVATE": self._library,
                "SSL_CERT_FILE": self.simulated.ca_file,
                **self.stage.node_settings,
            }
            return self._program(name, environment)

        return Service(name, program, lambda: parts.answers(url, password))

    def _environment(self, name: str, member: str) -> dict[str, str]:
        return {
            "MEMBER": member,
            "REDIS_URL": self._through("valkey", self.redis_url),
            "DATABASE_URL": self._through("postgres", self.database_url),
            "DISCORD_TOKEN": self.simulated.tokens[0],
            "DISCORD_APPLICATION_ID": str(self.bot_id),
            "DISCORD_REST_URL": f"{self.simulated.url}/api/v10",
            "ALLOWED_ADDRESSES": self._library,
            "CATALOGUE_URL": self.music("catalogue.json"),
            "SSL_CERT_FILE": self.simulated.ca_file,
            f"{kind(name).upper()}_PORT": str(self.ports.get(name, 0)),
            "LEGATO_DATA": str(self.folder.part(f"{name}-data")),
            **(ALONE if len(self.stage.names(kind(name))) == 1 else {}),
            **self.stage.settings,
        }

    def _program(self, name: str, environment: Mapping[str, str]) -> Program:
        return Program(
            name=name,
            command=(sys.executable, *self._run(kind(name))),
            log=self.folder.log(name),
            environment={**parts.plain_environment(), **environment},
            grace=GRACE,
        )

    def _run(self, service: str) -> tuple[str, ...]:
        program = self.stage.programs.get(service)
        return (program,) if program else ("-m", "legato", service)

    @property
    def _library(self) -> str:
        return urlsplit(self.simulated.url).netloc


def kind(name: str) -> str:
    """Say what a part is: of `audio-2`, audio."""
    return name.partition("-")[0]


def observed(program: Program, more: Mapping[str, str]) -> Program:
    """Let the simulator check every request and answer against Discord's own description."""
    path = description()
    known = {"DISCORD_OPENAPI": str(path)} if path else {}
    return dataclasses.replace(program, environment={**program.environment, **known, **more})


def description() -> pathlib.Path | None:
    """Find Discord's openapi.json: named by DISCORD_OPENAPI, else beside the checkout."""
    beside = pathlib.Path(__file__).parents[3] / "shared" / "discord" / "openapi.json"
    path = pathlib.Path(os.environ.get("DISCORD_OPENAPI") or beside)
    return path if path.is_file() else None


@contextlib.asynccontextmanager
async def running(stage: Stage | None = None) -> AsyncIterator[Machine]:
    """Run a machine in a folder of its own, which goes with it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="legato-machine-"))
    os.chmod(folder, 0o711)  # noqa: PTH101, S103 (PostgreSQL's own user passes through)
    try:
        async with Machine(folder, stage) as machine:
            yield machine
    finally:
        keep = os.environ.get("LEGATO_KEEP_LOGS")
        if keep:
            shutil.copytree(folder / "logs", pathlib.Path(keep) / folder.name, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
