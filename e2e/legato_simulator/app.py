"""Puts the simulator together and serves it on one port. `Simulator` is what tests use."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from legato_simulator import certs, guard, page, population, storage
from legato_simulator.actions.catalogue import Catalogue
from legato_simulator.actions.subjects import Subjects
from legato_simulator.attendance import Attendance
from legato_simulator.calls import VoicePort
from legato_simulator.control import PREFIX, Control
from legato_simulator.gateway import Connection
from legato_simulator.local import LocalCaller
from legato_simulator.logins import Logins
from legato_simulator.rest import application
from legato_simulator.script import Script
from legato_simulator.settings import Settings
from legato_simulator.simulation import Simulation
from legato_simulator.voice_endpoint import LOOPBACK, Reach
from legato_simulator.voice_routes import Voice
from legato_simulator.voice_server import VoiceServer

SWEEP = 0.25
"""Seconds between two looks for expired sessions, and for who is online and heard."""
SAVE = 2.0
"""Seconds between two looks for something to save."""


@web.middleware
async def departed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let whoever listens to a stream leave at any moment: a closed tab is no error."""
    try:
        return await handler(request)
    except ConnectionResetError:
        return web.Response(status=499)


class Simulator:
    """One running simulator: `async with Simulator() as sim`."""

    def __init__(self, settings: Settings | None = None, voice: VoicePort | None = None) -> None:
        self.settings = settings or Settings()
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self.certificates: certs.Certificates | None = None
        self.voice: Voice | None = self._make_voice() if self.settings.voice else None
        self.simulation = Simulation(self.settings, self.voice.server if self.voice else voice)
        self.attendance = Attendance(self.simulation)
        self.logins = Logins(self.simulation, self.attendance)
        subjects = Subjects(self.simulation, self.attendance, self.logins)
        self._catalogue = Catalogue(subjects)
        self.script = Script(LocalCaller(self._catalogue))
        """What a test does to this simulator, without HTTP."""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Start serving; what a failed start began is ended."""
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop serving."""
        await self.close()

    @property
    def base_url(self) -> str:
        """The address of everything."""
        return self.simulation.base_url

    @property
    def rest_url(self) -> str:
        """What a client library takes as its REST address."""
        return f"{self.base_url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """What /gateway/bot answers."""
        return self.simulation.gateway_url

    @property
    def control_url(self) -> str:
        """Where the script interface is served."""
        return f"{self.base_url}/control"

    @property
    def token(self) -> str:
        """The first bot's token."""
        return next(iter(self.simulation.bots.by_id.values())).token

    @property
    def voice_regions(self) -> dict[str, str]:
        """Every voice server's name and endpoint."""
        return self.voice.server.regions if self.voice else {}

    def _make_voice(self) -> Voice:
        folder = self.settings.data
        if folder is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="legato-simulator-")
            folder = self._scratch.name
        reach = _reach(self.settings)
        self.certificates = certs.make(Path(folder) / "certificates", host=reach.host)
        policy = self.settings.voice_encryption
        return Voice(VoiceServer(self.certificates, policy=policy, reach=reach))

    async def start(self) -> None:
        """Make the world, or read it back, and listen."""
        folder = Path(self.settings.data) if self.settings.data else None
        if folder is None or not storage.load(self.simulation, folder):
            population.seed(self.simulation)
        if self.settings.openapi is not None:
            self._check_against(Path(self.settings.openapi))
        if self.voice is not None:
            await self.voice.start()
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.settings.host, self.settings.port)
        await site.start()
        port = self._runner.addresses[0][1]
        host = self.settings.public_host or self.settings.host
        self.simulation.base_url = f"http://{host}:{port}"
        self.simulation.gateway_url = f"ws://{host}:{port}/gateway"
        self.simulation.background.spawn(self._sweep())
        self.simulation.background.spawn(self.simulation.lateness.watch())
        if folder is not None:
            self.simulation.background.spawn(self._keep(folder))

    def _check_against(self, path: Path) -> None:
        # Only tests need the library, which is no dependency of the simulator.
        from legato_simulator.openapi import OpenApi  # noqa: PLC0415

        description, recorder = OpenApi(path), self.simulation.recorder
        recorder.observers.append(
            lambda exchange: recorder.schema_problems.extend(description.problems(exchange))
        )

    async def close(self) -> None:
        """End every connection and stop listening."""
        await self.simulation.background.close()
        for session in list(self.simulation.sessions.by_id.values()):
            if session.link is not None:
                session.link.end(1001, "The simulator is going away.")
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self.voice is not None:
            await self.voice.stop()
        if self.settings.data is not None:
            storage.save(self.simulation, Path(self.settings.data))
        if self._scratch is not None:
            self._scratch.cleanup()

    def _application(self) -> web.Application:
        settings = self.settings
        guarded = guard.middleware(
            PREFIX, listens_on=settings.host, public_host=settings.public_host
        )
        app = web.Application(middlewares=[departed, guarded])
        app.add_subapp("/api/v10/", application.build(self.simulation, self.attendance))
        app.router.add_get("/gateway", self._gateway)
        app.router.add_get("/gateway/", self._gateway)
        app.router.add_get("/attachments/{channel}/{id}/{name}", self._attachment)
        app.router.add_routes(page.routes())
        Control(self._catalogue, self.simulation.feed).register(app)
        if self.voice is not None:
            app.router.add_routes(self.voice.routes())
        return app

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        return await Connection(self.simulation, self.logins, request).run()

    async def _attachment(self, request: web.Request) -> web.Response:
        key = request.match_info["id"]
        found = self.simulation.uploads.get(int(key)) if key.isdigit() else None
        if found is None:
            raise web.HTTPNotFound
        # Whatever a bot uploads must not run as a part of the page.
        policy = {
            "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'"
        }
        headers = policy | {"X-Content-Type-Options": "nosniff"}
        return web.Response(body=found[1], content_type=found[0], headers=headers)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            await self.logins.sweep()
            self._look()

    def _look(self) -> None:
        """Notice who is online and who is heard."""
        sessions, now = self.simulation.sessions.by_id.values(), time.monotonic_ns()
        heard = self.voice.server.listeners() if self.voice else []
        self.simulation.presence.look(
            (each.bot_id for each in sessions if each.link is not None),
            ((each.guild_id, each.user_id) for each in heard if each.speaking(now)),
            self.simulation.publish,
        )

    async def _keep(self, folder: Path) -> None:
        """Save the world whenever something has happened."""
        saved = -1
        while True:
            if self.simulation.feed.last != saved:
                saved = self.simulation.feed.last
                storage.save(self.simulation, folder)
            await asyncio.sleep(SAVE)


def _reach(settings: Settings) -> Reach:
    address = settings.voice_address
    if not address:
        return LOOPBACK
    return Reach(settings.host, settings.public_host or address, address)
