"""Registering the slash commands with Discord: only when they changed."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from legato import telemetry
from legato.contracts import keys
from legato.errors import Unavailable
from legato.gateway import command_json, discord
from legato.redis import Client, reaching

_log = telemetry.logger(__name__)
_CLAIM_SECONDS = 60
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)
"""Discord allows 200 new commands a day; one that it refuses is not mended by asking faster."""


class Registration:
    """The commands of one bot, as Discord has them."""

    def __init__(
        self, redis: Client, rest: discord.Rest, *, bot: int, guilds: Sequence[int] = ()
    ) -> None:
        """`guilds` get the commands of their own too, which show there at once."""
        self._redis = redis
        self._rest = rest
        self._bot = bot
        self._guilds = guilds

    async def bring_up_to_date(self) -> bool:
        """Hand Discord what changed; False while somebody else does, or something failed.

        Raises Unavailable.
        """
        documents = command_json.of_registry()
        digest = command_json.digest(documents)
        stale = await self._stale(digest)
        if not stale:
            return True
        if not await self._claim():
            return False
        done = [await self._register(place, documents, digest) for place in stale]
        await self._unclaim()
        return all(done)

    async def _stale(self, digest: str) -> list[str]:
        places = ["global", *(str(guild) for guild in self._guilds)]
        with reaching("registered commands"):
            known = await self._redis.hmget(keys.registered_commands(self._bot), places)
        return [
            place
            for place, has in zip(places, known, strict=True)
            if has not in {digest, digest.encode()}
        ]

    async def _claim(self) -> bool:
        claim = keys.command_claim(self._bot)
        with reaching("registered commands"):
            return bool(await self._redis.set(claim, "1", nx=True, ex=_CLAIM_SECONDS))

    async def _unclaim(self) -> None:
        with reaching("registered commands"):
            await self._redis.delete(keys.command_claim(self._bot))

    async def _register(self, place: str, documents: list[command_json.Json], digest: str) -> bool:
        try:
            await self._put(place, documents)
        except (discord.Refused, Unavailable) as error:
            _log.error("commands were not registered", place=place, why=str(error))
            return False
        with reaching("registered commands"):
            await self._redis.hset(keys.registered_commands(self._bot), place, digest)
        _log.info("commands registered", place=place, count=len(documents))
        return True

    async def _put(self, place: str, documents: list[command_json.Json]) -> None:
        if place == "global":
            await self._rest.call(discord.PUT_COMMANDS, documents, application=self._bot)
        else:
            await self._rest.call(
                discord.PUT_GUILD_COMMANDS, documents, application=self._bot, guild=place
            )


async def until_registered(registration: Registration, *, first: timedelta = FIRST_PAUSE) -> None:
    """Register, however often that has to be tried."""
    pause = first
    while True:
        try:
            if await registration.bring_up_to_date():
                return
        except Unavailable as error:
            _log.warning("commands wait for redis", why=str(error))
        await asyncio.sleep(pause.total_seconds())
        pause = min(pause * 2, LONGEST_PAUSE)
