"""What the gateway learns from Discord before it starts: who it is, and how it may connect."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import msgspec

from legato import telemetry
from legato.errors import Unavailable
from legato.gateway import discord
from legato.gateway.identify import StartLimit
from legato.settings import Fault, WrongSettings

LOOK_EVERY = timedelta(seconds=30)

T = TypeVar("T")
_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the token is of."""

    application: int
    user: int


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """GET /gateway/bot."""

    url: str
    shards: int
    limit: StartLimit


class _Id(msgspec.Struct):
    id: int


class _Limit(msgspec.Struct):
    total: int
    remaining: int
    reset_after: int
    max_concurrency: int


class _Gateway(msgspec.Struct):
    url: str
    shards: int
    session_start_limit: _Limit


async def identity(rest: discord.Rest, application: int | None) -> Identity:
    """Ask who the token is of; waits while Discord is away. Raises WrongSettings."""
    user = await _insist(rest, discord.ME, _Id)
    if application is None:
        application = (await _insist(rest, discord.APPLICATION, _Id)).id
    return Identity(application, user.id)


async def gateway(rest: discord.Rest) -> GatewayInfo:
    """Ask how to connect; waits while Discord is away. Raises WrongSettings."""
    found = await _insist(rest, discord.GATEWAY_BOT, _Gateway)
    limit = found.session_start_limit
    reset = timedelta(milliseconds=limit.reset_after)
    start = StartLimit(limit.total, limit.remaining, reset, limit.max_concurrency)
    return GatewayInfo(found.url, found.shards, start)


class Looking:
    """Whether Discord's REST answers, for /health; asked now and again, however often that is."""

    def __init__(self, rest: discord.Rest, *, every: timedelta = LOOK_EVERY) -> None:
        self._rest = rest
        self._every = every.total_seconds()
        self._found: tuple[float, str] | None = None

    async def look(self) -> str:
        """Say how long the last answer took. Raises Unavailable, Refused."""
        now = asyncio.get_running_loop().time()
        if self._found is not None and now - self._found[0] < self._every:
            return self._found[1]
        self._found = None
        await self._rest.call(discord.ME)
        took = (asyncio.get_running_loop().time() - now) * 1000
        self._found = now, f"answered in {took:.0f} ms"
        return self._found[1]


async def _insist(rest: discord.Rest, route: discord.Route, kind: type[T]) -> T:
    pause = 1.0
    while True:
        try:
            return msgspec.convert(await rest.call(route), kind, strict=False)
        except discord.Refused as refused:
            if refused.status == 401:
                raise _wrong_token() from refused
            raise
        except Unavailable as error:
            _log.warning("waiting for discord", why=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30.0)


def _wrong_token() -> WrongSettings:
    return WrongSettings(
        [
            Fault(
                "DISCORD_TOKEN",
                "is not accepted by Discord",
                "Copy it anew from https://discord.com/developers/applications, under Bot",
            )
        ]
    )
