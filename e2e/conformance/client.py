"""A client's websocket to the server under test: every message, in order, checked as it comes."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import aiohttp
import msgspec

from conformance import shapes
from conformance.server import Answer, Server

M = TypeVar("M", bound=shapes.Message)
NAME = "legato-conformance/1"


def headers(server: Server, user: int, session: str | None) -> dict[str, str]:
    """Fill a handshake's headers."""
    found = {
        "Authorization": server.target.password,
        "User-Id": str(user),
        "Client-Name": NAME,
    }
    return found if session is None else {**found, "Session-Id": session}


class _Head(msgspec.Struct, frozen=True):
    op: str
    type: str = ""


@dataclass
class Client:
    """One connected client."""

    server: Server
    user: int
    socket: aiohttp.ClientWebSocketResponse
    resumed_header: str | None
    messages: list[shapes.Message] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Messages that no document describes."""
    _reading: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, server: Server, user: int, session: str | None = None) -> "Client":
        """Open a websocket and wait for ready."""
        timeout = aiohttp.ClientWSTimeout(ws_close=2.0)
        socket = await server.http.ws_connect(
            server.target.url + "/v4/websocket",
            headers=headers(server, user, session),
            timeout=timeout,
        )
        header = socket._response.headers.get("Session-Resumed")  # noqa: SLF001 - no public way
        client = cls(server, user, socket, header)
        server.notes.met.update([] if header is None else ["Session-Resumed"])
        client._reading = asyncio.create_task(client._read())
        await server.patience.until(lambda: client.of(shapes.Ready), "ready")
        return client

    @property
    def ready(self) -> shapes.Ready:
        """Give the ready message."""
        return self.of(shapes.Ready)[0]

    @property
    def session(self) -> str:
        """Name its session."""
        return self.ready.session_id

    @property
    def path(self) -> str:
        """Name its session's path."""
        return f"/v4/sessions/{self.session}"

    def of(self, kind: type[M], guild: int | None = None) -> list[M]:
        """List the messages of a kind, of one guild where they have one."""
        found: list[M] = [message for message in self.messages if isinstance(message, kind)]
        if guild is None:
            return found
        return [one for one in found if getattr(one, "guild_id", None) == str(guild)]

    def events(self, guild: int) -> list[str]:
        """Name a guild's events in their order, ends with their reason."""
        found = []
        for message in self.messages:
            match message:
                case shapes.TrackEnd(guild_id=id_, reason=reason) if id_ == str(guild):
                    found.append(f"end:{reason}")
                case shapes.TrackStart(guild_id=id_) if id_ == str(guild):
                    found.append("start")
                case shapes.TrackException(guild_id=id_) if id_ == str(guild):
                    found.append("exception")
                case shapes.TrackStuck(guild_id=id_) if id_ == str(guild):
                    found.append("stuck")
                case shapes.VoiceClosed(guild_id=id_, code=code) if id_ == str(guild):
                    found.append(f"closed:{code}")
        return found

    async def resuming(self, timeout: int = 60) -> None:
        """Turn resuming on."""
        answer = await self.update({"resuming": True, "timeout": timeout})
        answer.be(shapes.Session)

    async def update(self, body: object) -> Answer:
        """PATCH the session."""
        return await self.server.ask("PATCH", self.path, body)

    async def players(self) -> list[shapes.Player]:
        """List the session's players."""
        return (await self.server.get(f"{self.path}/players")).all(shapes.Player)

    async def close(self) -> None:
        """Close the websocket."""
        await self.socket.close()
        if self._reading is not None:
            await asyncio.wait([self._reading])

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(message.data)

    def _take(self, text: str) -> None:
        try:
            head = msgspec.json.decode(text, type=_Head)
            shape = shapes.MESSAGES.get((head.op, head.type))
            if shape is None:
                self.faults.append(f"no documented message: {text[:300]}")
                return
            message = msgspec.json.decode(text, type=shape)
        except msgspec.MsgspecError as error:
            self.faults.append(f"{error}: {text[:300]}")
            return
        self.server.notes.take(msgspec.json.decode(text), message)
        self.messages.append(message)


class Connect(Protocol):
    """Opens websockets that a case need not close."""

    async def __call__(self, session: str | None = None, user: int | None = None) -> Client:
        """Open one: of the case's own user unless another is named."""
