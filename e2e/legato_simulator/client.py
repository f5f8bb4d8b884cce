"""The script interface for a simulator in another process: `async with SimulatorClient(url)`."""

from collections.abc import Mapping
from typing import Self, TypeVar

import aiohttp
import msgspec

from legato_simulator.control import PREFIX
from legato_simulator.script import Script
from legato_simulator.views import ScriptError
from legato_simulator.voice_client import VoiceClientMixin

T = TypeVar("T")


class HttpCaller:
    """Posts actions to a control address."""

    def __init__(self, control_url: str) -> None:
        self._url = control_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def call(self, name: str, arguments: Mapping[str, object], answer: type[T]) -> T:
        """Do something; the errors are those of the same call in Python."""
        body = msgspec.json.encode(dict(arguments))
        async with self.open().post(f"{self._url}/{name}", data=body) as response:
            raw = await response.read()
        if response.status == 408:
            raise TimeoutError(_error(raw))
        if response.status != 200:
            raise ScriptError(_error(raw))
        return msgspec.json.decode(raw, type=answer)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def open(self) -> aiohttp.ClientSession:
        """Give the session that every call goes through."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
            self._session = aiohttp.ClientSession(timeout=timeout)
        return self._session


def _error(raw: bytes) -> str:
    try:
        return str(msgspec.json.decode(raw)["error"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return raw.decode(errors="replace")


class SimulatorClient(Script, VoiceClientMixin):
    """Does over HTTP what a Script in the same process does, and asks the voice servers too."""

    def __init__(self, control_url: str) -> None:
        self._calls = HttpCaller(control_url)
        self.base = control_url.rstrip("/").removesuffix(PREFIX)
        super().__init__(self._calls)

    async def __aenter__(self) -> Self:
        """Connections open when they are needed."""
        self.http = self._calls.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._calls.close()
