"""Registering the slash commands with Discord: only when they changed."""

from collections.abc import Sequence

from legato import telemetry
from legato.contracts import keys
from legato.errors import Unavailable
from legato.gateway import command_json, discord
from legato.redis import Client, reaching

_log = telemetry.logger(__name__)
_CLAIM_SECONDS = 60


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

    async def bring_up_to_date(self) -> None:
        """Hand Discord what changed; one gateway at a time does. Raises Unavailable, Refused."""
        documents = command_json.of_registry()
        digest = command_json.digest(documents)
        places = ["global", *(str(guild) for guild in self._guilds)]
        key = keys.registered_commands(self._bot)
        with reaching("registered commands"):
            known = await self._redis.hmget(key, places)
        stale = [
            place
            for place, has in zip(places, known, strict=True)
            if has not in {digest, digest.encode()}
        ]
        if stale and await self._claim():
            for place in stale:
                await self._register(place, documents)
                with reaching("registered commands"):
                    await self._redis.hset(key, place, digest)

    async def _claim(self) -> bool:
        claim = f"{keys.registered_commands(self._bot)}:claim"
        with reaching("registered commands"):
            return bool(await self._redis.set(claim, "1", nx=True, ex=_CLAIM_SECONDS))

    async def _register(self, place: str, documents: list[command_json.Json]) -> None:
        if place == "global":
            await self._rest.call(discord.PUT_COMMANDS, documents, application=self._bot)
        else:
            await self._rest.call(
                discord.PUT_GUILD_COMMANDS, documents, application=self._bot, guild=place
            )
        _log.info("commands registered", place=place, count=len(documents))


async def tolerantly(registration: Registration) -> None:
    """Register; what fails is said, and tried again at the next start."""
    try:
        await registration.bring_up_to_date()
    except (discord.Refused, Unavailable) as error:
        _log.error("commands were not registered", why=str(error))
