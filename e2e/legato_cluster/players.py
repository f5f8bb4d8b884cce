"""Where a bot's players sit, and who knows of which node: what its Redis says. Changes nothing."""

import contextlib
from collections.abc import AsyncIterator

from legato import fleet
from legato import redis as legato_redis
from legato.embedded.ports import LOOPBACK
from legato.overview import Overview
from legato_cluster.cluster import PATIENCE
from legato_cluster.platform import Platform
from legato_machine.conditions import until
from legato_machine.room import Hall

URL = "redis://:only-for-trying@{}:{}/0"
"""As e2e/servers.yaml says."""


class Players:
    """The players of the bots of a platform."""

    def __init__(self, music: Platform) -> None:
        form = "jsonpath={.items[0].status.podIP}"
        address = music.kubectl("get", "pods", "-l", "app=valkey", "-o", form)
        self._url = URL.format(LOOPBACK, music.cluster.reach(address, 6379))

    async def node_of(self, hall: Hall) -> str:
        """Name the node that the player of a hall's bot sits on."""

        async def look() -> str | None:
            async with self._client() as client:
                rows = await Overview(client, bot=hall.place.bot_id).players()
            return next((one.node for one in rows if int(one.guild_id) == hall.guild_id), None)

        return await until(look, what="a node for the player", timeout=PATIENCE)

    async def told_of(self, node: str, bot: int) -> None:
        """Wait until every audio pod of a bot knows a node, so that players may come to it."""

        async def look() -> bool:
            async with self._client() as client:
                wanted = await fleet.directive(client, bot=bot)
                rows = await Overview(client, bot=bot).members()
            seen = [one.directive_version or 0 for one in rows if one.component == "audio"]
            if wanted is None or all(one.name != node for one in wanted.nodes):
                return False
            return bool(seen) and min(seen) >= wanted.version

        await until(look, what=f"{node} in the directive", timeout=PATIENCE)

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[legato_redis.Client]:
        client = legato_redis.connect(self._url)
        try:
            yield client
        finally:
            await client.aclose()
