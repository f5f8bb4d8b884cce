"""The voice half of a running simulator, asked over HTTP: the same words as in-process.

It knows voice_routes.py's paths and shapes, and nothing of how they are answered.
"""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Struct

from legato_simulator.dave.policy import Policy
from legato_simulator.ear import Heard, Moments
from legato_simulator.listener import Report
from legato_simulator.voice_call import Encryption
from legato_simulator.voice_endpoint import Death
from legato_simulator.voice_faults import VoiceFaults
from legato_simulator.voice_routes import Demand, Overview

Shape = TypeVar("Shape")


class VoiceClientMixin:
    """Voice methods for a client that has a session and an address."""

    http: aiohttp.ClientSession
    base: str
    """http://host:port of the simulator."""

    async def voice_overview(self) -> Overview:
        """List regions, connections, listeners and counts."""
        return await self._voice("GET", "", Overview)

    async def voice_report(
        self, guild_id: int, user_id: int, *, since: float | None = None
    ) -> Report | None:
        """Say what came from a bot; None if nothing was ever heard of it there."""
        return await self._voice_found("GET", f"/{guild_id}/{user_id}/report{_query(since)}")

    async def voice_heard(
        self, guild_id: int, user_id: int, *, since: float | None = None
    ) -> Heard:
        """Decode what is kept, and say how it sounds."""
        return await self._voice("GET", f"/{guild_id}/{user_id}/heard{_query(since)}", Heard)

    async def voice_moments(
        self, guild_id: int, user_id: int, *, since: float | None = None
    ) -> Moments:
        """Decode what is kept, and read the time code."""
        return await self._voice("GET", f"/{guild_id}/{user_id}/moments{_query(since)}", Moments)

    async def voice_close(self, guild_id: int, user_id: int, code: int) -> None:
        """End a bot's call with a close code."""
        await self._voice("POST", f"/{guild_id}/{user_id}/close", dict, {"code": code})

    async def voice_freeze(self, guild_id: int, user_id: int) -> None:
        """Let a bot's websocket be silent until thawed."""
        await self._voice("POST", f"/{guild_id}/{user_id}/freeze", dict)

    async def voice_thaw(self, guild_id: int, user_id: int) -> None:
        """Let a frozen websocket go on."""
        await self._voice("POST", f"/{guild_id}/{user_id}/thaw", dict)

    async def voice_swallow(self, guild_id: int, user_id: int) -> None:
        """Keep a bot's TCP connection open and silent for ever."""
        await self._voice("POST", f"/{guild_id}/{user_id}/swallow", dict)

    async def voice_drop(self, guild_id: int, user_id: int) -> None:
        """Reset a bot's TCP connection."""
        await self._voice("POST", f"/{guild_id}/{user_id}/drop", dict)

    async def voice_faults(self, faults: VoiceFaults, *, guild_id: int | None = None) -> None:
        """Put faults in force for a guild, or for all."""
        path = "/faults" if guild_id is None else f"/{guild_id}/faults"
        await self._voice("PUT", path, dict, faults)

    async def voice_encryption(self, guild_id: int) -> list[Encryption]:
        """Describe the end-to-end encryption of a guild's calls."""
        return await self._voice("GET", f"/{guild_id}/encryption", list[Encryption])

    async def voice_demand(self, policy: Policy, *, guild_id: int | None = None) -> None:
        """Change what encryption a guild's calls demand, or all others'."""
        path = "/encryption" if guild_id is None else f"/{guild_id}/encryption"
        await self._voice("PUT", path, dict, Demand(policy=policy))

    async def voice_region(
        self, name: str, *, death: Death | None = None, host: str | None = None
    ) -> str:
        """Add a voice server, live or dead, and give its endpoint; `host` is its own name there."""
        body = {"name": name, "death": death, "host": host}
        return (await self._voice("POST", "/regions", dict[str, str], body))["endpoint"]

    async def voice_kill(self, region: str, death: Death) -> None:
        """Let a live voice server die under its calls."""
        await self._voice("POST", f"/regions/{quote(region)}/death", dict, {"death": death})

    async def voice_place(self, guild_id: int, region: str) -> None:
        """Choose a guild's voice server from its next join on."""
        await self._voice("PUT", f"/{guild_id}/region", dict, {"region": region})

    async def voice_control_start(self) -> Report:
        """Start the control stream; its packets arrive when this returns."""
        return await self._voice("POST", "/control-stream/start", Report)

    async def voice_control_stop(self) -> Report | None:
        """End the control stream, and say what arrived of it."""
        return await self._voice_found("POST", "/control-stream/stop")

    async def voice_control(self, *, since: float | None = None) -> Report | None:
        """Say what arrived of the control stream."""
        return await self._voice_found("GET", f"/control-stream{_query(since)}")

    async def _voice_found(self, method: str, path: str) -> Report | None:
        try:
            return await self._voice(method, path, Report)
        except aiohttp.ClientResponseError as error:
            if error.status == 404:
                return None
            raise

    async def _voice(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        body: Struct | Mapping[str, object] | None = None,
    ) -> Shape:
        data = None if body is None else msgspec.json.encode(body)
        url = f"{self.base}/control/voice{path}"
        async with self.http.request(method, url, data=data) as answer:
            answer.raise_for_status()
            return msgspec.json.decode(await answer.read(), type=shape)


def _query(since: float | None) -> str:
    return "" if since is None else f"?since={since}"


class VoiceClient(VoiceClientMixin):
    """The voice methods alone."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self.http, self.base = http, base.rstrip("/")
