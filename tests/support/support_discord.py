"""A running Discord simulator for tests, and a client that speaks the wire plainly."""

import json
import os
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from legato_simulator.app import Simulator
from legato_simulator.intents import Intent
from legato_simulator.settings import Settings
from support_waiting import PATIENCE

CHECKOUT = Path(__file__).resolve().parents[2]
MISSING = (
    "requests and answers were not checked against Discord's own description: there is no "
    "openapi.json. Discord publishes it at https://github.com/discord/discord-api-spec "
    "(specs/openapi.json); name its place in DISCORD_OPENAPI"
)
VOICE_INTENTS = int(Intent.GUILDS | Intent.GUILD_VOICE_STATES)


def openapi_file() -> Path | None:
    """Find Discord's description: where the environment says, or beside the checkout."""
    named = os.environ.get("DISCORD_OPENAPI")
    path = Path(named) if named else CHECKOUT.parent / "shared/discord/openapi.json"
    return path if path.exists() else None


def description_or_skip() -> Path:
    """Find Discord's description; where it is missing the test is left out, or fails in CI."""
    found = openapi_file()
    if found is not None:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@asynccontextmanager
async def discord(**settings: Any) -> AsyncIterator[Simulator]:
    """Run a simulator; at the end every exchange has to have fitted Discord's description."""
    described = openapi_file()
    settings.setdefault("openapi", str(described) if described else None)
    async with Simulator(Settings(**settings)) as sim:
        yield sim
        problems = sim.simulation.recorder.schema_problems
        assert not problems, "\n".join(problems)


@dataclass
class Wire:
    """One gateway websocket, plainly."""

    ws: aiohttp.ClientWebSocketResponse
    seq: int | None = None
    session_id: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    compress: str | None = None
    inflate: Any = field(default_factory=zlib.decompressobj)

    async def receive(self, seconds: float = PATIENCE) -> dict[str, Any]:
        """Read one payload; AssertionError with the code when the connection was closed."""
        message = await self.ws.receive(timeout=seconds)
        if message.type is aiohttp.WSMsgType.TEXT:
            payload: dict[str, Any] = json.loads(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            payload = json.loads(self.inflate.decompress(message.data))
        else:
            raise AssertionError(f"closed with {self.ws.close_code}")
        if payload["s"] is not None:
            self.seq = payload["s"]
        if payload["t"] == "READY":
            self.session_id = payload["d"]["session_id"]
        self.seen.append(payload)
        return payload

    async def op(self, op: int) -> dict[str, Any]:
        """Read on to a payload of one op."""
        while (payload := await self.receive())["op"] != op:
            pass
        return payload

    async def event(self, name: str) -> dict[str, Any]:
        """Read on to an event and return its data."""
        while (payload := await self.receive())["t"] != name:
            pass
        data: dict[str, Any] = payload["d"]
        return data

    async def close_code(self, seconds: float = PATIENCE) -> int | None:
        """Read on until the server closes."""
        while True:
            message = await self.ws.receive(timeout=seconds)
            if message.type in {
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.CLOSING,
                aiohttp.WSMsgType.ERROR,
            }:
                return self.ws.close_code

    async def send(self, op: int, data: Any = None) -> None:
        """Send a payload."""
        await self.ws.send_str(json.dumps({"op": op, "d": data}))

    async def identify(self, token: str, **more: Any) -> None:
        """Send op 2."""
        properties = {"os": "linux", "browser": "test", "device": "test"}
        body = {"token": token, "intents": VOICE_INTENTS, "properties": properties}
        await self.send(2, body | more)

    async def resume(self, token: str, session_id: str, seq: int) -> None:
        """Send op 6."""
        await self.send(6, {"token": token, "session_id": session_id, "seq": seq})


@dataclass
class Client:
    """A client of one simulator: gateway connections and REST as the first bot."""

    sim: Simulator
    http: aiohttp.ClientSession

    async def wire(self, **query: str) -> Wire:
        """Open a gateway connection and read HELLO."""
        parameters = {"v": "10", "encoding": "json"} | query
        ws = await self.http.ws_connect(self.sim.gateway_url, params=parameters)
        wire = Wire(ws, compress=query.get("compress"))
        assert (await wire.receive())["op"] == 10
        return wire

    async def logged_in(self, **identify: Any) -> Wire:
        """Open a connection and read up to the last GUILD_CREATE."""
        wire = await self.wire()
        await wire.identify(self.sim.token, **identify)
        ready = await wire.event("READY")
        for _ in ready["guilds"]:
            await wire.event("GUILD_CREATE")
        return wire

    async def rest(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Make a REST request; the answer's status and JSON."""
        headers = {"Authorization": f"Bot {self.sim.token}"} | more.pop("headers", {})
        url = f"{self.sim.rest_url}{path}"
        if body is not None:
            more["json"] = body
        async with self.http.request(method, url, headers=headers, **more) as response:
            raw = await response.read()
            return response.status, json.loads(raw) if raw else None

    async def register(self, *commands: dict[str, Any]) -> list[dict[str, Any]]:
        """Make these the bot's global commands."""
        bot_id = self.bot_id
        status, made = await self.rest("PUT", f"/applications/{bot_id}/commands", list(commands))
        assert status == 200, made
        found: list[dict[str, Any]] = made
        return found

    @property
    def bot_id(self) -> str:
        """The first bot's id."""
        return str(next(iter(self.sim.simulation.bots.by_id)))

    async def channel(self, name: str = "music") -> str:
        """Find a channel of the Legato Lounge."""
        return (await self.sim.script.guild("Legato Lounge")).channel(name).id

    async def guild(self) -> str:
        """Find the Legato Lounge."""
        return (await self.sim.script.guild("Legato Lounge")).id


@asynccontextmanager
async def client(**settings: Any) -> AsyncIterator[Client]:
    """Run a simulator and a client for it."""
    async with discord(**settings) as sim, aiohttp.ClientSession() as http:
        yield Client(sim, http)


PLAY: dict[str, Any] = {
    "name": "play",
    "description": "Play something",
    "options": [
        {
            "type": 3,
            "name": "query",
            "description": "A link or a search",
            "required": True,
            "autocomplete": True,
        },
        {"type": 4, "name": "volume", "description": "0 to 100", "min_value": 0, "max_value": 100},
    ],
}
