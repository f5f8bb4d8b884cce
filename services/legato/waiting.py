"""How much waits in a partition's inbox: what a producer asks before it adds to it."""

from legato.contracts import keys
from legato.contracts.keys import Owned
from legato.redis import Client, Script


class Waiting:
    """Counts what an owner has not committed yet."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._count = Script("waiting")

    async def count(self, what: Owned, *, most: int) -> int:
        """Return how many messages wait, at most `most`; that many is too many."""
        answer = await self._count(self._redis, [keys.inbox(what), keys.position(what)], most)
        if not isinstance(answer, int):
            raise TypeError(f"waiting.lua answered {answer!r}")
        return answer
