"""What a server needs around it: voice servers and music, on addresses it can reach."""

import ipaddress
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from conformance import certificates, oddities
from conformance.settings import Settings
from legato_simulator.library import Library
from legato_simulator.voice_endpoint import Reach
from legato_simulator.voice_server import VoiceServer

USED = (
    "tone-1-60s.webm",
    "tone-1-60s.ogg",
    "tone-1-60s.mp3",
    "tone-1-60s.flac",
    "tone-1-60s.wav",
    "tone-2-60s.webm",
    "tone-4-2s.webm",
)
"""Made beforehand, so that no case waits for it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Voice and music of one run."""

    voice: VoiceServer
    library: Library
    authority: str
    """Host and port of the music, as links name it."""

    def music(self, name: str) -> str:
        """Name a link: `tone-1-60s.webm`, `adverse/status/500`."""
        return f"http://{self.authority}/music/{name}"


def reach(settings: Settings) -> Reach:
    """Say where ports are bound and how the server reaches them."""
    if settings.host == "localhost":
        return Reach(bind=settings.bind)
    try:
        ip = str(ipaddress.ip_address(settings.host))
    except ValueError:
        ip = socket.gethostbyname(settings.host)
    return Reach(bind=settings.bind, host=settings.host, ip=ip)


@asynccontextmanager
async def running(settings: Settings, scratch: Path) -> AsyncIterator[Surroundings]:
    """Run voice and music for a block."""
    where = reach(settings)
    made = certificates.kept(settings.certificates or scratch, where.host)
    voice = VoiceServer(made, reach=where, policy=settings.encryption)
    library = Library()
    runner = web.AppRunner(_application(library), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.bind, settings.music_port).start()
        await voice.start()
        for name in USED:
            await library.file(name)
        yield Surroundings(voice, library, f"{where.ip}:{runner.addresses[0][1]}")
    finally:
        await voice.stop()
        await runner.cleanup()
        await library.stop()


def _application(library: Library) -> web.Application:
    application = web.Application()
    application.add_routes([*oddities.routes(library), *library.routes()])
    return application


def fresh_id() -> int:
    """Make a snowflake that no earlier run used."""
    return secrets.randbits(40) << 22 | 1
