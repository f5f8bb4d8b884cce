"""What the supervisor of one machine tells the services through Redis. Knows no process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence

from legato import fleet, redis
from legato.contracts.fleet import Directive, Node
from legato.embedded.problems import StartFailed
from legato.errors import Unavailable
from legato.settings import Secret

DIRECTIVE_EVERY = 2.0
"""Seconds that services which start after Redis was emptied are without nodes, at most."""


class Steering:
    """One bot's directive, and the end of its dead members. Raises StartFailed without Redis."""

    def __init__(self, redis_url: Secret | str, *, bot: int) -> None:
        self._url = redis_url
        self._bot = bot

    async def begin(self, nodes: Sequence[Node], *, dead: Iterable[str]) -> None:
        """Write the directive, and free what an earlier run's dead services held."""
        async with self._connected() as client:
            for member in dead:
                await fleet.bury(client, bot=self._bot, member=member)
            await fleet.direct(client, bot=self._bot, nodes=nodes)

    async def keep(self) -> None:
        """Write the directive again whenever an emptied Redis has none, until cancelled."""
        known: Directive | None = None
        while True:
            with contextlib.suppress(StartFailed):
                async with self._connected() as client:
                    known = await fleet.keep(client, bot=self._bot, known=known)
            await asyncio.sleep(DIRECTIVE_EVERY)

    async def bury(self, member: str) -> None:
        """Free at once what would stay a dead member's until its leases time out, if Redis can."""
        with contextlib.suppress(StartFailed):
            async with self._connected() as client:
                await fleet.bury(client, bot=self._bot, member=member)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[redis.Client]:
        client = redis.connect(self._url)
        try:
            yield client
        except Unavailable as error:
            raise StartFailed(
                f"Redis can't be used: {error.why}. Is it running, and is REDIS_URL right?"
            ) from error
        finally:
            await client.aclose()
