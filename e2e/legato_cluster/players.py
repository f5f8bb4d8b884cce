"""Where a bot's players sit, and who knows of which node: what its Redis says. Changes nothing."""

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import timedelta

from legato import fleet
from legato import redis as legato_redis
from legato.embedded.ports import LOOPBACK
from legato.overview import FRESH, Overview
from legato_cluster.cluster import PATIENCE
from legato_cluster.platform import Platform
from legato_machine.conditions import until
from legato_machine.room import Hall

URL = "redis://:only-for-trying@{}:{}/0"
"""As e2e/servers.yaml says."""
MOST_HALLS = 8


class Players:
    """The players of the bots of a platform."""

    def __init__(self, music: Platform) -> None:
        form = "jsonpath={.items[0].status.podIP}"
        address = music.kubectl("get", "pods", "-l", "app=valkey", "-o", form)
        self._url = URL.format(LOOPBACK, music.cluster.reach(address, 6379))

    async def node_of(self, hall: Hall) -> str:
        """Name the node that the player of a hall's bot sits on."""

        async def look() -> str | None:
            async with self.client() as client:
                rows = await Overview(client, bot=hall.place.bot_id).players()
            return next((one.node for one in rows if int(one.guild_id) == hall.guild_id), None)

        return await until(look, what="a node for the player", timeout=PATIENCE)

    async def on_each(
        self, nodes: Collection[str], play: Callable[[], Awaitable[Hall]]
    ) -> dict[Hall, str]:
        """Let halls play until there is one on each of these nodes; say where each sits.

        Where the next one comes rests on the load of the moment too, so it is not known before.
        """
        places: dict[Hall, str] = {}
        deadline = time.monotonic() + PATIENCE
        while not set(nodes) <= set(places.values()):
            assert time.monotonic() < deadline, f"none on one of {nodes}: {[*places.values()]}"
            if len(places) == MOST_HALLS:  # nodes tell their load once a minute
                hall, _ = places.popitem()
                await hall.type("leave", timeout=PATIENCE)
            hall = await play()
            places[hall] = await self.node_of(hall)
        return places

    async def told_of(self, node: str, bot: int) -> None:
        """Wait until every living audio pod of a bot knows a node: players may come to it."""

        async def look() -> bool:
            async with self.client() as client:
                platform = Overview(client, bot=bot)
                wanted = await fleet.directive(client, bot=bot)
                oldest = await platform.now() - FRESH // timedelta(milliseconds=1)
                rows = await platform.members()
            # The roll still names pods that lost their power minutes ago.
            audio = [one for one in rows if one.component == "audio" and one.seen >= oldest]
            seen = [one.directive_version or 0 for one in audio]
            if wanted is None or all(one.name != node for one in wanted.nodes):
                return False
            return bool(seen) and min(seen) >= wanted.version

        await until(look, what=f"{node} in the directive", timeout=PATIENCE)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[legato_redis.Client]:
        """Open a connection to the bots' Redis."""
        client = legato_redis.connect(self._url)
        try:
            yield client
        finally:
            await client.aclose()
