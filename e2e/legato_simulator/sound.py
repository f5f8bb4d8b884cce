"""The sound of a room, live: what a bot sends, as WebM/Opus over HTTP, joined at any time.

Packets pass undecoded. Where none come, silence does, so that a player's clock runs on and it
never stalls or falls behind. It knows no page.
"""

import asyncio
from collections import deque
from typing import NoReturn

from aiohttp import web

from legato_simulator import webm
from legato_simulator.continuity import SILENCE
from legato_simulator.listener import Listener
from legato_simulator.voice_server import VoiceServer

STEP = 0.02
LATE_MS = 100.0
"""No packet for so long: silence is sent in its place."""
AHEAD_MS = 400.0
"""A burst beyond this is dropped, or every listener would hear it late for ever."""


class Live:
    """Turns a room's packets into one subscriber's stream; time is an argument."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._writer = webm.Writer()

    def take(self, packets: deque[bytes], now: float) -> bytes:
        """Write what came, or silence for what didn't."""
        elapsed = (now - self._started) * 1e3
        parts = []
        while packets:
            payload = packets.popleft()
            if self._writer.milliseconds < elapsed + AHEAD_MS:
                parts.append(self._writer.packet(payload))
        if self._writer.milliseconds < elapsed - LATE_MS:
            # Up to now, so that what comes next may again be late without being cut into.
            while self._writer.milliseconds < elapsed:
                parts.append(self._writer.packet(SILENCE))
        return b"".join(parts)


class Room:
    """Follows the newest bot of a guild, across its voice connections."""

    def __init__(self, server: VoiceServer, guild_id: int) -> None:
        self.packets: deque[bytes] = deque(maxlen=250)
        self._server, self._guild_id = server, guild_id
        self._followed: Listener | None = None

    def follow(self) -> None:
        """Look whether another bot is to be heard by now."""
        newest = self._server.listener(self._guild_id)
        if newest is not self._followed:
            self.leave()
            self._followed = newest
            if newest is not None:
                newest.followers.append(self.packets)

    def leave(self) -> None:
        """Follow nobody."""
        if self._followed is not None:
            self._followed.unfollow(self.packets)
            self._followed = None


class Sound:
    """The routes of the rooms' sound."""

    def __init__(self, server: VoiceServer) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [web.get(r"/sound/{guild_id:\d+}.webm", self._listen, allow_head=False)]

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
        answer = web.StreamResponse(headers=headers)
        answer.content_type = "audio/webm"
        room = Room(self._server, int(request.match_info["guild_id"]))
        room.follow()
        await answer.prepare(request)
        try:
            await answer.write(webm.header())
            await self._stream(room, answer)
        except ConnectionResetError:
            return answer
        finally:
            room.leave()

    async def _stream(self, room: Room, answer: web.StreamResponse) -> NoReturn:
        loop = asyncio.get_running_loop()
        live = Live(loop.time())
        while True:
            room.follow()
            written = live.take(room.packets, loop.time())
            if written:
                await answer.write(written)
            await asyncio.sleep(STEP)
