"""REST of the server under test: asks, and checks every answer's shape. Knows no player."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp
import msgspec
from multidict import CIMultiDictProxy

from conformance import inventory, shapes
from conformance.settings import Target
from conformance.waiting import Patience

S = TypeVar("S", bound=shapes.Shape)


@dataclass
class Notes:
    """What a run notices beside passing and failing."""

    undocumented: set[str] = field(default_factory=set)
    """Fields that no document names."""
    met: set[str] = field(default_factory=set)
    """What the documents name and the run has met (inventory.py)."""
    ways: dict[str, set[str]] = field(default_factory=dict)
    """Which way the server went, by the name of a known difference."""

    def take(self, raw: object, shape: shapes.Shape) -> None:
        """Note the fields beyond a shape."""
        name = type(shape).__name__
        self.undocumented.update(shapes.undocumented(raw, shape, name))
        self.met.update(inventory.answered(raw, shape))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the server."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    notes: Notes

    def be(self, shape: type[S], status: int = 200) -> S:
        """Check status and shape."""
        assert self.status == status, f"{self.status}: {self.body[:300]!r}"
        return self.read(shape)

    def all(self, shape: type[S]) -> list[S]:
        """Check a list of a shape."""
        assert self.status == 200, f"{self.status}: {self.body[:300]!r}"
        found = msgspec.json.decode(self.body, type=list[msgspec.Raw])
        return [self._read(bytes(one), shape) for one in found]

    def read(self, shape: type[S]) -> S:
        """Check the shape alone."""
        return self._read(self.body, shape)

    def refused(self, *statuses: int) -> shapes.Error:
        """Check that the answer is an error in the documented shape."""
        assert self.status in statuses, f"{self.status}: {self.body[:300]!r}"
        error = self.read(shapes.Error)
        assert error.status == self.status
        return error

    def _read(self, body: bytes, shape: type[S]) -> S:
        found = msgspec.json.decode(body, type=shape)
        self.notes.take(msgspec.json.decode(body), found)
        return found


@dataclass(frozen=True, slots=True)
class Server:
    """The server under test."""

    target: Target
    http: aiohttp.ClientSession
    notes: Notes
    patience: Patience

    async def ask(
        self,
        method: str,
        path: str,
        body: object = msgspec.UNSET,
        *,
        params: Mapping[str, str] | None = None,
        password: str | None = "",
    ) -> Answer:
        """Send a request; an empty password is the right one, None sends none."""
        headers = {} if password is None else {"Authorization": password or self.target.password}
        data: bytes | None = None
        if body is not msgspec.UNSET:
            data = body if isinstance(body, bytes) else msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        timeout = aiohttp.ClientTimeout(total=20 * self.patience.factor)
        async with self.http.request(
            method,
            self.target.url + path,
            data=data,
            params=params,
            headers=headers,
            timeout=timeout,
        ) as response:
            content = await response.read()
            sent = None if isinstance(body, bytes) else body
            self.notes.met.update(
                inventory.requested(method, path, params or {}, sent, response.status),
                (name for name in inventory.HEADERS if name in response.headers),
            )
            return Answer(response.status, response.headers, content, self.notes)

    async def get(self, path: str, **params: str) -> Answer:
        """GET a path."""
        return await self.ask("GET", path, params=params)

    async def load(self, identifier: str) -> shapes.Loaded:
        """Load tracks, whatever comes of it."""
        answer = await self.get("/v4/loadtracks", identifier=identifier)
        assert answer.status == 200, answer.body[:300]
        kind = answer.read(_LoadType).load_type
        assert kind in shapes.LOADED, f"no documented loadType: {kind}"
        return answer.read(shapes.LOADED[kind])

    async def track(self, identifier: str) -> shapes.Track:
        """Load one track."""
        loaded = await self.load(identifier)
        assert isinstance(loaded, shapes.TrackLoaded), loaded
        return loaded.data

    async def info(self) -> shapes.Info:
        """Ask what the server is."""
        return (await self.get("/v4/info")).be(shapes.Info)

    async def stats(self) -> shapes.Stats:
        """Ask how the server does."""
        return (await self.get("/v4/stats")).be(shapes.Stats)


class _LoadType(shapes.Shape, frozen=True, kw_only=True, rename="camel"):
    load_type: str
    data: msgspec.Raw
