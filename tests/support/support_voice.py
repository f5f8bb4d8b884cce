"""A running voice server and clients for it, for the simulator's own tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from legato_simulator import certs, rtp
from legato_simulator.ear import Ear
from legato_simulator.voice_sender import VoiceSender
from legato_simulator.voice_server import VoiceServer
from support_waiting import PATIENCE

GUILD, CHANNEL, BOT, SESSION = 7 << 22, 71, 700, "gateway-session"


@dataclass
class Room:
    """One voice server, one ear, and the clients that a test opened."""

    server: VoiceServer
    ear: Ear
    client: aiohttp.ClientSession
    senders: list[VoiceSender] = field(default_factory=list)

    def sender(
        self, *, guild_id: int = GUILD, user_id: int = BOT, session_id: str = SESSION
    ) -> VoiceSender:
        """Make a client that has not connected yet."""
        context = self.server.certificates.client_context()
        who = {"guild_id": guild_id, "user_id": user_id}
        made = VoiceSender(self.client, context, **who, session_id=session_id, channel_id=CHANNEL)
        self.senders.append(made)
        return made

    async def connected(self, *, mode: str = rtp.AES, dave_version: int = 0) -> VoiceSender:
        """Open the gateway's side, and connect a client."""
        credentials = await self.server.open(GUILD, CHANNEL, BOT, SESSION)
        sender = self.sender()
        await sender.connect(credentials, mode=mode, dave_version=dave_version)
        return sender

    async def until(self, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.005)

    async def received(self, packets: int) -> None:
        """Wait until the bot's listener has so many packets."""

        def there() -> bool:
            report = self.server.report(GUILD, BOT)
            return report is not None and report.packets >= packets

        await self.until(there)


@asynccontextmanager
async def voice_room(folder: Path) -> AsyncIterator[Room]:
    """Run a voice server for a block."""
    server, ear = VoiceServer(certs.make(folder)), Ear()
    await server.start()
    async with aiohttp.ClientSession() as client:
        room = Room(server, ear, client)
        try:
            yield room
        finally:
            for sender in room.senders:
                await sender.close()
            await ear.stop()
            await server.stop()
