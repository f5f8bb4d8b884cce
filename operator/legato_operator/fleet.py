"""The directive and what is observed, in each bot's own Redis. Decides nothing."""

import time
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from legato import redis
from legato.contracts import fleet as contract
from legato.contracts import keys
from legato.errors import Unavailable
from legato_operator.directive import Fleet

TIMEOUT = timedelta(seconds=2)
"""Of one call: a bot whose Redis is away must not hold up the looks at others."""


UNUSED = timedelta(minutes=10)
"""A connection that nobody used for so long is closed: its password changed, or its bot left."""
NOW = timedelta(0)
RECENT = timedelta(seconds=2)
"""Members report every 3 s. Bots that share nodes are read in every look at each other."""


@dataclass(frozen=True, slots=True)
class Place:
    """A Redis, and whose certificates it is trusted by."""

    url: str = field(repr=False)
    authority: str = field(default="", repr=False)
    """PEM; empty = the system's."""


@dataclass
class Fleets:
    """A connection for each place that is in use."""

    unused: timedelta = UNUSED
    _clients: dict[Place, redis.Client] = field(default_factory=dict, repr=False)
    _used: dict[Place, float] = field(default_factory=dict, repr=False)
    """When each was used last."""
    _read: dict[tuple[Place, int], tuple[float, Fleet]] = field(default_factory=dict, repr=False)
    """When each bot was read, the oldest first, and what was found."""

    async def read(self, place: Place, bot: int, *, within: timedelta = NOW) -> Fleet | None:
        """Read a bot's documents and the server's clock, or take what was read within a while.

        None where it does not answer.
        """
        began, known = time.monotonic(), self._read.get((place, bot))
        if known is not None and known[0] > began - within.total_seconds():
            return known[1]
        found = await self._read_now(place, bot)
        self._read.pop((place, bot), None)
        if found is not None:
            self._read[place, bot] = began, found
        while self._read and next(iter(self._read.values()))[0] < began - RECENT.total_seconds():
            del self._read[next(iter(self._read))]
        return found

    async def _read_now(self, place: Place, bot: int) -> Fleet | None:
        await self._close_unused(place)
        try:
            client = self._client(place)
            with redis.reaching("fleet"):
                seconds, micros = await client.time()
                found = await client.get(keys.directive(bot))
                reports = await client.hgetall(keys.observed(bot))
            said = msgspec.json.decode(found, type=contract.Directive) if found else None
            decoded = (msgspec.json.decode(one, type=contract.Observed) for one in reports.values())
            return Fleet(said, tuple(decoded), seconds * 1000 + micros // 1000)
        except (Unavailable, ValueError, msgspec.DecodeError):
            return None

    async def shards(self, place: Place, bot: int) -> int | None:
        """Read for how many shards the bot was laid out; None where nobody has stored it."""
        with redis.reaching("layout"):
            found = await self._client(place).hget(keys.layout(bot), "shards")
        return int(found) if found else None

    async def write(self, place: Place, bot: int, said: contract.Directive) -> bool:
        """Write a directive that follows the one that was read; False where it has changed."""
        write = redis.Script("direct")
        document = msgspec.json.encode(said)
        try:
            with redis.reaching("directive"):
                wanted = [keys.directive(bot)]
                return bool(await write(self._client(place), wanted, said.version - 1, document))
        finally:
            self._read.pop((place, bot), None)

    async def lay_out(self, place: Place, bot: int, shards: int) -> None:
        """Store another count of shards; only while no gateway runs, since it binds them."""
        with redis.reaching("layout"):
            await self._client(place).hset(keys.layout(bot), "shards", str(shards))

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()

    async def _close_unused(self, needed: Place) -> None:
        """Forget the places that no bot names any more, with their passwords."""
        oldest = time.monotonic() - self.unused.total_seconds()
        for place in [one for one, at in self._used.items() if at <= oldest and one != needed]:
            del self._used[place]
            await self._clients.pop(place).aclose()

    def _client(self, place: Place) -> redis.Client:
        if place not in self._clients:
            self._clients[place] = redis.connect(
                place.url, ca_data=place.authority, timeout=TIMEOUT, name="legato-operator"
            )
        self._used[place] = time.monotonic()
        return self._clients[place]
