"""`/api/v1/guilds/{id}`: what a guild hears, and what waits."""

import re
from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from legato.api import documents
from legato.api.auth import Auth, shown_key
from legato.api.documents import PlayerDocument, QueueDocument
from legato.api.players import Players
from legato.api.problems import Problem
from legato.errors import Rejected
from legato.store.apikeys import Key

GuildId = Annotated[
    str,
    PathParameter(
        description="The guild's id, as Discord shows it.",
        examples=[Example(value="81384788765712384")],
    ),
]
_SNOWFLAKE = re.compile(r"[1-9][0-9]{0,18}")
"""One id has one spelling: no leading zeros, and no more digits than 2^63 has."""
_ERRORS = {
    status: ResponseSpec(Problem, description=why, media_type="application/problem+json")
    for status, why in {
        400: "The guild's id or a parameter is malformed.",
        401: "No API key, or a wrong one.",
        403: "The key does not reach that guild or that kind of data.",
        404: "The guild has no player.",
        429: "The key asked too often; see Retry-After.",
        503: "A part of Legato can't be reached.",
    }.items()
}


def router(players: Players, auth: Auth, *, page_size: int) -> Router:
    """Return the routes of one bot's guilds."""

    async def caller(
        authorization: Annotated[
            str | None, HeaderParameter(name="Authorization", include_in_schema=False)
        ] = None,
        x_api_key: Annotated[
            str | None, HeaderParameter(name="X-API-Key", include_in_schema=False)
        ] = None,
    ) -> Key:
        return await auth.identify(shown_key(authorization, x_api_key))

    @get(
        "/player",
        responses=_ERRORS,
        summary="What the guild hears now",
        response_description="The player: its track, place and settings.",
    )
    async def player(guild_id: GuildId, caller: NamedDependency[Key]) -> PlayerDocument:
        guild = _allowed(caller, "player:read", guild_id)
        if (now := await players.live(guild)) is not None:
            return documents.live_player(now)
        if (stored := await players.stored(guild)) is not None:
            return documents.stored_player(stored)
        raise Rejected("no_player")

    @get(
        "/queue",
        responses=_ERRORS,
        summary="What waits in the guild's queue",
        response_description="One page of the queue.",
    )
    async def queue(
        guild_id: GuildId,
        caller: NamedDependency[Key],
        page: Annotated[int, QueryParameter(ge=1, le=100_000, description="From 1.")] = 1,
    ) -> QueueDocument:
        guild = _allowed(caller, "queue:read", guild_id)
        if (items := await players.live_queue(guild)) is not None:
            return documents.queue(guild, items, live=True, page=page, size=page_size)
        if (stored := await players.stored(guild)) is not None:
            return documents.queue(guild, stored.items, live=False, page=page, size=page_size)
        raise Rejected("no_player")

    return Router(
        "/api/v1/guilds/{guild_id:str}",
        route_handlers=[player, queue],
        dependencies={"caller": Provide(caller)},
        security=[{"bearer": []}, {"header": []}],
        tags=["Guilds"],
    )


def _allowed(caller: Key, scope: str, guild_id: str) -> int:
    """Read a guild's id, and check that the key reaches it."""
    if not _SNOWFLAKE.fullmatch(guild_id) or (guild := int(guild_id)) >= 2**63:
        raise Rejected("bad_guild")
    if not caller.allows(scope, guild):
        raise Rejected("not_allowed")
    return guild
