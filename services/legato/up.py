"""Everything on one machine: embedded servers, nodes, the simulator and the services, supervised.

Its event loop runs nothing but the supervision; whatever works is a child process.
"""

import asyncio
import contextlib
import dataclasses
import secrets
import shlex
import sys
import time
import webbrowser
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from importlib import metadata
from urllib.parse import urlsplit

from legato import settings, together
from legato.contracts.fleet import Node
from legato.embedded import (
    application,
    aside,
    disk,
    folder,
    leftovers,
    parts,
    plan,
    ports,
    postgres,
    running,
    signals,
)
from legato.embedded.child import Program
from legato.embedded.folder import Folder
from legato.embedded.options import Options
from legato.embedded.postgres import Postgres
from legato.embedded.problems import StartFailed
from legato.embedded.report import Follower, Terminal
from legato.embedded.steering import Steering
from legato.embedded.supervisor import Part, Supervisor
from legato.embedded.tryout import Music
from legato.embedded.valkey import Valkey
from legato.settings import Secret, WrongSettings

LAVALINK_LEAD = 400
"""How far Lavalink's positions run ahead of the sound, ms: its default bufferDurationMs."""
ALONE = {"MEMBER_READY_AFTER": "0s"}
"""With one process of a kind there is nobody to leave things to in a crash loop."""
SERVICES_GRACE = timedelta(seconds=25)
"""More than the services' own stop timeout of 20 s."""
USED_EVERY = 60.0
"""Seconds between two notes that the data folder is in use: a killed run's last is that old."""
DISK_EVERY = 1.0
"""Seconds of what Redis was told that a machine which loses its power forgets."""
PLACE_HOLDERS = {
    "redis": Secret("redis://127.0.0.1:6379/0"),
    "database": Secret("postgresql://127.0.0.1/legato"),
    "token": Secret("not-known-yet"),
}
"""For the check of all settings that comes before the servers are started."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """How a person wants it shown."""

    verbose: bool = False
    open_page: bool = False


def load(environ: Mapping[str, str]) -> Options:
    """Read the settings of all that will run; raises WrongSettings with every fault there is."""
    wrong: list[WrongSettings] = []
    found: list[Options] = []
    try:
        found.append(settings.load(Options, environ))
    except WrongSettings as error:
        wrong.append(error)
    ours = {
        "DISCORD_APPLICATION_ID": "1",
        "DISCORD_TOKEN": PLACE_HOLDERS["token"].reveal(),
        "REDIS_URL": PLACE_HOLDERS["redis"].reveal(),
        "DATABASE_URL": PLACE_HOLDERS["database"].reveal(),
        **{f"{name.upper()}_PORT": "0" for name in parts.SERVICES},
    }
    replaced = {f"{name}_FILE" for name in ours}
    theirs = {name: value for name, value in environ.items() if name not in replaced}
    try:
        together.load(parts.SERVICES, {**theirs, **ours})
    except WrongSettings as error:
        wrong.append(error)
    if wrong:
        raise WrongSettings.merged(wrong)
    return found[0]


async def run(options: Options, environ: Mapping[str, str], wish: Wish, terminal: Terminal) -> None:
    """Start everything, say where to look, keep it running until told to stop."""
    path = folder.chosen(options.legato_data, environ)
    if not path.exists():
        # Nothing left over from an earlier start can hold these ports; a refusal leaves no folder.
        plan.check(options)
        if not options.database_url:
            postgres.check(path)
    with folder.opened(path) as data, ports.Claims() as ours:
        supervisor = Supervisor(data.part("run"), terminal)

        async def work() -> None:
            for name in await aside.call(lambda: leftovers.end_all(data.part("run"))):
                terminal.line(f"  ended {name}, left over from an earlier start")
            terminal.line(f"Legato {metadata.version('legato')}; its data is in {data.path}")
            if data.last_used:
                when = f"{data.last_used:%Y-%m-%d %H:%M}"
                terminal.line(f"Goes on from {when}, when it was last in use;")
                terminal.line("--data FOLDER begins anew in another.")
            terminal.line()
            start = Start(options, environ, data, supervisor, plan.make(options, data, ours))
            began = time.monotonic()
            await start.everything()
            if start.music:
                await start.music.made(terminal)
            show(start, terminal, took=time.monotonic() - began, wish=wish)
            async with keeping(start, terminal):
                await supervisor.watch()

        async with following(terminal, data, verbose=wish.verbose):
            await signals.until_told(work(), supervisor, terminal)


class Start:
    """One start: its steps in order, and what each found out for the next."""

    def __init__(
        self,
        options: Options,
        environ: Mapping[str, str],
        data: Folder,
        supervisor: Supervisor,
        planned: plan.Plan,
    ) -> None:
        self.options = options
        self.plan = planned
        self.simulated: parts.Simulated | None = None
        self.music: Music | None = None
        self.application = application.Application("1")
        self._environ = environ
        self._data = data
        self._supervisor = supervisor
        self._redis_url = options.redis_url
        self._valkey: Valkey | None = None
        self._database_url = options.database_url
        self._token = options.discord_token
        self._rest_url = options.discord_rest_url or ""
        self._members: dict[str, str] = {}

    @property
    def steering(self) -> Steering:
        """Give what tells the services of this bot, once Redis and the bot are known."""
        return Steering(self._redis_url or "", bot=int(self.application.id))

    @property
    def elsewhere(self) -> str:
        """Say how other commands find a data folder that is not this system's usual one."""
        is_usual = self._data.path == folder.default(self._environ)
        return "" if is_usual else f"LEGATO_DATA={shlex.quote(str(self._data.path))}"

    async def everything(self) -> None:
        """Start the parts, those side by side that need nothing of each other."""
        running.begin(self._data)
        first = self.plan.processes[0]
        together.load(parts.SERVICES, self._services_environment(first, "check"))
        if self._token:
            await self._find_application()
        await self._supervisor.start(*self._servers())
        if not self._token:
            await self._enter_simulation()
        if self.music:
            await self.music.begin()
        nodes = self._nodes()
        await self.steering.begin(nodes, dead=self._dead_members())
        embedded = [] if self.options.lavalink_url else self._node_parts(nodes)
        services = [self._service_part(process) for process in self.plan.processes]
        await self._supervisor.start(*embedded, *services)
        told = self._services_environment(self.plan.processes[0], "")
        running.tell(self._data, told, self.plan.pages)

    def _servers(self) -> list[Part]:
        found = []
        if not self._database_url:
            database = Postgres(
                self._data.part("postgres", mode=0o711),
                self.plan.database,
                self._data.secret("postgres"),
                self._data.log("postgres"),
            )
            self._database_url = Secret(database.url)
            found.append(parts.database(database))
        if not self._redis_url:
            memory = self._valkey = Valkey(
                self._data.path / "valkey",
                self.plan.redis,
                self._data.secret("valkey"),
                self._data.log("valkey"),
            )
            self._redis_url = Secret(memory.url)
            found.append(parts.memory(memory))
        if not self._token:
            found.append(parts.simulator(self._data, self.plan.page))
        return found

    async def _find_application(self) -> None:
        """Learn which bot the token is of; TokenRefused before anything is started in vain."""
        token = self._token or Secret("")
        self.application = await aside.call(lambda: application.ask(token, rest_url=self._rest_url))

    async def _enter_simulation(self) -> None:
        self.simulated = simulated = await aside.call(lambda: parts.simulated(self._data))
        if simulated is None:
            raise StartFailed("The Discord simulator did not say where it listens.")
        self.music = Music(f"{simulated.url}/music/catalogue.json")
        self._token = Secret(simulated.tokens[0])
        self._rest_url = f"{simulated.url}/api/v10"
        await self._find_application()

    def _nodes(self) -> tuple[Node, ...]:
        if self.options.lavalink_url:
            password = self.options.lavalink_password
            shown = password.reveal() if password else ""
            return (
                Node(
                    name="lavalink",
                    url=self.options.lavalink_url,
                    password=shown,
                    lead=LAVALINK_LEAD,
                ),
            )
        shared = self._data.secret("node")
        return tuple(
            Node(name=f"node-{number}", url=f"http://{ports.LOOPBACK}:{port}", password=shared)
            for number, port in enumerate(self.plan.nodes, start=1)
        )

    async def keep_in_use(self) -> None:
        """Note now and then that the data folder is used, and once more when cancelled."""
        try:
            while True:
                self._data.use()
                await asyncio.sleep(USED_EVERY)
        finally:
            self._data.use()

    async def keep_on_disk(self, terminal: Terminal) -> None:
        """Bring to the disk every second what the embedded Valkey keeps, until cancelled."""
        if self._valkey is not None:
            await disk.keep(self._valkey.sync, terminal.line, every=DISK_EVERY)

    def _dead_members(self) -> list[str]:
        return self._data.recall("members")

    def _new_member(self, name: str) -> str:
        """Name the next run of a services process, and keep the name until its end is certain."""
        member = f"{name}-{secrets.token_hex(4)}"
        self._members[name] = member
        self._data.remember("members", tuple(self._members.values()))
        return member

    def _node_parts(self, nodes: tuple[Node, ...]) -> list[Part]:
        shared = {"ALLOWED_PRIVATE": self._allowed(), **self._authorities()}
        return [
            parts.node(parts.Node(node.name, port, node.password), self._data, shared)
            for node, port in zip(nodes, self.plan.nodes, strict=True)
        ]

    def _service_part(self, process: parts.Process) -> Part:
        name = process.name

        def program() -> Program:
            return Program(
                name=name,
                command=(sys.executable, "-m", "legato", "together", "--migrate", *process.health),
                log=self._data.log(name),
                environment=self._services_environment(process, self._new_member(name)),
                grace=SERVICES_GRACE,
            )

        async def mourn() -> None:
            await self.steering.bury(self._members[name])

        return parts.services(process, program, mourn)

    def _services_environment(self, process: parts.Process, member: str) -> dict[str, str]:
        ours = {
            "MEMBER": member,
            "LEGATO_DATA": str(self._data.part(process.name)),
            "REDIS_URL": (self._redis_url or PLACE_HOLDERS["redis"]).reveal(),
            "DATABASE_URL": (self._database_url or PLACE_HOLDERS["database"]).reveal(),
            "DISCORD_TOKEN": (self._token or PLACE_HOLDERS["token"]).reveal(),
            "DISCORD_APPLICATION_ID": self.application.id,
            "DISCORD_USER_ID": user.id if (user := self.application.bot) else self.application.id,
            **({"DISCORD_REST_URL": self._rest_url} if self._rest_url else {}),
            **self._music(),
            **{f"{name.upper()}_PORT": str(port) for name, port in process.health.items()},
            **self._authorities(),
        }
        replaced = {f"{name}_FILE" for name in ours}
        theirs = {name: value for name, value in self._environ.items() if name not in replaced}
        alone = ALONE if len(self.plan.processes) == 1 else {}
        return {**alone, **theirs, **ours, "PYTHONUNBUFFERED": "1"}

    def _allowed(self) -> str:
        """Name the private addresses that music may come from: the simulator's, and those set."""
        ours = urlsplit(self.simulated.url).netloc if self.simulated else ""
        return ",".join(filter(None, (self._environ.get("ALLOWED_ADDRESSES"), ours)))

    def _music(self) -> dict[str, str]:
        """Let the services offer the simulator's library."""
        if not self.music:
            return {}
        return {"ALLOWED_ADDRESSES": self._allowed(), "CATALOGUE_URL": self.music.catalogue}

    def _authorities(self) -> dict[str, str]:
        """Trust the simulator's voice servers beside the public ones."""
        return {"SSL_CERT_FILE": self.simulated.bundle_file} if self.simulated else {}


def show(start: Start, terminal: Terminal, *, took: float, wish: Wish) -> None:
    """Say that all is up, and where to look."""
    terminal.line(f"\nReady in {took:.1f} s.")
    if start.simulated:
        where = start.simulated.url
        terminal.line(f"\n  Open {where} - join the voice channel there and type /play\n")
    else:
        terminal.line(f"Serving {start.application.name}. To add it to a server, open:")
        terminal.line(f"\n  {start.application.invitation}\n")
    terminal.line(f"The API: http://{ports.LOOPBACK}:{start.plan.health['api']}/schema")
    if start.elsewhere:
        terminal.line(f"Other commands (legato doctor, …) find it with {start.elsewhere}")
    terminal.line("Ctrl-C stops everything. What plays goes on after the next start.")
    if start.simulated and wish.open_page:
        webbrowser.open(start.simulated.url)


@contextlib.asynccontextmanager
async def keeping(start: Start, terminal: Terminal) -> AsyncIterator[None]:
    """Look after what only the supervisor can write, while the parts run."""
    works = (start.steering.keep(), start.keep_on_disk(terminal), start.keep_in_use())
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


@contextlib.asynccontextmanager
async def following(terminal: Terminal, data: Folder, *, verbose: bool) -> AsyncIterator[None]:
    """Show the parts' logs as they grow, where that is wanted."""
    if not verbose:
        yield
        return
    follower = Follower(terminal, data.part("logs"))

    async def follow() -> None:
        while True:
            follower.show()
            await asyncio.sleep(0.2)

    task = asyncio.create_task(follow())
    try:
        yield
    finally:
        task.cancel()
        follower.show()
