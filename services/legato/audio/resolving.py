"""What a query is: a link, a piece of the catalogue, or what a node finds for its words."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from legato import queries
from legato.audio.events import Resolved, ResolveFailed
from legato.audio.lavalink import Loaded, NodeClient, Refused, SessionUnknown
from legato.audio.searching import Catalogue
from legato.errors import Unavailable

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

NODES_TRIED = 2
"""A node that goes while it looks costs a second look, not the track."""

Load = Callable[[str, timedelta], Awaitable[Loaded]]


class Resolver:
    """Asks the catalogue and any node; never raises for what a person typed."""

    def __init__(self, catalogue: Catalogue, load: Load, *, prefix: str) -> None:
        """`prefix` makes words a search for the node; "" = links and the catalogue only."""
        self._catalogue = catalogue
        self._load = load
        self._prefix = prefix

    async def resolve(
        self, guild_id: int, slot: str, query: str, *, within: timedelta
    ) -> Resolved | ResolveFailed:
        """Find a query's tracks; Unavailable only where no node could be asked yet."""
        if within <= timedelta(0):
            return ResolveFailed(guild_id=guild_id, slot=slot, reason="load_timeout")
        try:
            async with asyncio.timeout(within.total_seconds()):
                address = await self._address(query)
                if address is None:
                    reason = "not_found" if self._catalogue.is_named else "no_search"
                    return ResolveFailed(guild_id=guild_id, slot=slot, reason=reason)
                loaded = await self._load(address, within)
        except TimeoutError:
            return ResolveFailed(guild_id=guild_id, slot=slot, reason="load_timeout")
        except (SessionUnknown, Refused) as error:
            log.info("query refused by the node", guild=guild_id, why=str(error))
            return ResolveFailed(guild_id=guild_id, slot=slot, reason="load_failed")
        is_link = queries.kind(query) == "link"
        missing = "nothing_there" if is_link else "not_found"
        return _event(guild_id, slot, loaded, missing=missing)

    async def _address(self, query: str) -> str | None:
        kind = queries.kind(query)
        if kind != "words":
            return query.strip() if kind == "link" else None
        if pieces := await self._catalogue.find(query):
            return pieces[0].url
        return self._prefix + query if self._prefix else None


def _event(guild_id: int, slot: str, loaded: Loaded, *, missing: str) -> Resolved | ResolveFailed:
    match loaded.kind:
        case "error":
            return ResolveFailed(
                guild_id=guild_id, slot=slot, reason="load_failed", detail=loaded.detail
            )
        case "search":
            tracks = loaded.tracks[:1]
        case _:
            tracks = loaded.tracks
    if not tracks:
        return ResolveFailed(guild_id=guild_id, slot=slot, reason=missing)
    return Resolved(guild_id=guild_id, slot=slot, tracks=tracks, playlist=loaded.playlist)


async def load_somewhere(clients: Sequence[NodeClient], query: str, *, within: timedelta) -> Loaded:
    """Ask one node after another until one answers."""
    why = "there is none"
    for client in clients[:NODES_TRIED]:
        try:
            return await client.load(query, timeout=within)
        except Unavailable as error:
            why = error.why
    raise Unavailable("node", why)
