"""Another bot in the same voice channel: someone else's, which plays a tone of its own."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any, Self

import aiohttp

from legato_machine.machine import Machine
from legato_machine.room import Room
from legato_simulator import opus, timecode
from legato_simulator.calls import VoiceCredentials
from legato_simulator.voice_sender import VoiceSender

INTENTS = 1 | 1 << 7
"""Guilds and voice states."""


class SecondBot:
    """A bot's gateway connection and its voice."""

    def __init__(self, room: Room, http: aiohttp.ClientSession) -> None:
        self.user_id = 0
        self.room, self._http = room, http
        self._voice: VoiceSender | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def in_room(cls, room: Room) -> AsyncIterator[Self]:
        """Invite a new bot, and connect it to the room's voice channel."""
        async with aiohttp.ClientSession() as http:
            second = cls(room, http)
            await second._join(room.machine)
            try:
                yield second
            finally:
                await second._leave()

    async def play(self, tone: int, ms: int) -> None:
        """Send a tone, and return when it is over."""
        if self._voice is not None:
            packets = await asyncio.to_thread(lambda: list(opus.encode(timecode.tone(tone, ms))))
            await self._voice.play(packets)

    async def _join(self, machine: Machine) -> None:
        bot = await machine.discord.make_bot("Second Bot")
        await machine.discord.invite_bot(self.room.guild.id, bot.id)
        self.user_id = int(bot.id)
        url = f"{machine.simulated.url.replace('http', 'ws', 1)}/gateway?v=10&encoding=json"
        self._socket = await self._http.ws_connect(url)
        who = {"os": "linux", "browser": "second", "device": "second"}
        await self._say(2, {"token": bot.token, "intents": INTENTS, "properties": who})
        await self._event("READY")
        where = {"guild_id": self.room.guild.id, "channel_id": self.room.voice.id}
        await self._say(4, where)
        state = await self._event("VOICE_STATE_UPDATE")
        server = await self._event("VOICE_SERVER_UPDATE")
        self._voice = VoiceSender(
            self._http,
            ssl.create_default_context(cafile=machine.simulated.ca_file),
            guild_id=self.room.guild_id,
            user_id=self.user_id,
            session_id=state["session_id"],
            channel_id=int(self.room.voice.id),
        )
        given = VoiceCredentials(token=server["token"], endpoint=server["endpoint"])
        await self._voice.connect(given, dave_version=1)

    async def _leave(self) -> None:
        if self._voice is not None:
            await self._voice.close()
        if self._socket is not None:
            await self._socket.close()

    async def _say(self, op: int, body: dict[str, Any]) -> None:
        if self._socket is not None:
            await self._socket.send_str(json.dumps({"op": op, "d": body}))

    async def _event(self, name: str) -> Any:
        """Read on to an event; those about others are passed over."""
        async with asyncio.timeout(30):
            while self._socket is not None:
                payload = json.loads(await self._socket.receive_str())
                about = (payload["d"] or {}).get("user_id", str(self.user_id))
                if payload["t"] == name and about == str(self.user_id):
                    return payload["d"]
        raise ConnectionError("the second bot's gateway is closed")
