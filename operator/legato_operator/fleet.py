"""The directive and what is observed, in each bot's own Redis. Decides nothing."""

from dataclasses import dataclass, field

import msgspec

from legato import redis
from legato.contracts import fleet as contract
from legato.contracts import keys
from legato.errors import Unavailable
from legato_operator.directive import Fleet


@dataclass
class Fleets:
    """A connection for each address."""

    _clients: dict[str, redis.Client] = field(default_factory=dict, repr=False)

    async def read(self, url: str, bot: int) -> Fleet | None:
        """Read a bot's documents and the server's clock; None where it does not answer."""
        try:
            client = self._client(url)
            with redis.reaching("fleet"):
                seconds, micros = await client.time()
                found = await client.get(keys.directive(bot))
                reports = await client.hgetall(keys.observed(bot))
            said = msgspec.json.decode(found, type=contract.Directive) if found else None
            decoded = (msgspec.json.decode(one, type=contract.Observed) for one in reports.values())
            return Fleet(said, tuple(decoded), seconds * 1000 + micros // 1000)
        except (Unavailable, ValueError, msgspec.DecodeError):
            return None

    async def shards(self, url: str, bot: int) -> int | None:
        """Read for how many shards the bot was laid out; None where nobody has stored it."""
        with redis.reaching("layout"):
            found = await self._client(url).hget(keys.layout(bot), "shards")
        return int(found) if found else None

    async def write(self, url: str, bot: int, said: contract.Directive) -> bool:
        """Write a directive that follows the one that was read; False where it has changed."""
        write = redis.Script("direct")
        document = msgspec.json.encode(said)
        return bool(
            await write(self._client(url), [keys.directive(bot)], said.version - 1, document)
        )

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()

    def _client(self, url: str) -> redis.Client:
        if url not in self._clients:
            self._clients[url] = redis.connect(url, name="legato-operator")
        return self._clients[url]
