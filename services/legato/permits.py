"""Permits to hand things over, over all members of one of a bot's services."""

from datetime import timedelta

from legato.contracts import keys
from legato.contracts.keys import Owned
from legato.leases import TTL
from legato.redis import Client, Script, reaching


class Permits:
    """The permits of one roll of members; each lapses after a lease's life."""

    def __init__(self, redis: Client, *, bot: int, component: str, life: timedelta = TTL) -> None:
        """`life` is how long a hand-over may take; the permit of a dead member returns then."""
        self._redis = redis
        self.roll = component
        self._key = keys.permits(bot, component)
        self._life = round(life / timedelta(milliseconds=1))
        self._permit = Script("permit")

    async def take(self, what: Owned, *, most: int) -> bool:
        """Ask to hand a thing over; False where `most` are on the move."""
        return await self._permit(self._redis, [self._key], str(what), most, self._life) == 1

    async def give_back(self, what: Owned) -> None:
        """Say that whoever should have the thing has it; fine where no permit was taken."""
        with reaching("permits"):
            await self._redis.zrem(self._key, str(what))
