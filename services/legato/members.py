"""The members of one of a bot's services: who lives, since when, with what weight."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from legato.contracts import keys
from legato.protocol.lease import TTL
from legato.protocol.roll import READY_AFTER, Member, Roll, Stay, assembles_in, eligible
from legato.redis import Client, Script, reaching

__all__ = [
    "READY_AFTER",
    "Member",
    "Members",
    "Roll",
    "Stay",
    "assembles_in",
    "eligible",
    "read_roll",
]

FORGET_AFTER = timedelta(minutes=10)


class Members:
    """The roll of one service, and this process's place in it."""

    def __init__(
        self, redis: Client, *, bot: int, component: str, name: str, ttl: timedelta = TTL
    ) -> None:
        """Take the name this process goes by; `ttl` is how long a silent one counts as alive."""
        self.name = name
        self.ttl = ttl
        self._redis = redis
        self._key = keys.members(bot, component)
        self._beat = Script("beat")

    async def beat(self, *, weight: float = 1.0, draining: bool = False) -> Roll:
        """Say that this process lives, and read the roll; once a renewal interval."""
        answer = await self._beat(
            self._redis,
            [self._key],
            self.name,
            repr(weight),
            int(draining),
            round(self.ttl / timedelta(milliseconds=1)),
            round(FORGET_AFTER / timedelta(milliseconds=1)),
        )
        if not isinstance(answer, list):
            raise TypeError(f"beat.lua answered {answer!r}")
        now, *flat = (one.decode() for one in answer)
        return Roll(int(now), tuple(_members(flat)))

    async def forget(self, name: str) -> None:
        """Strike out a member: itself when it leaves, or one that surely is dead."""
        with reaching("members"):
            await self._redis.hdel(self._key, name)


def read_roll(found: Mapping[str, str]) -> tuple[Member, ...]:
    """Read a roll as it is kept: for who only looks."""
    return tuple(_members([text for item in sorted(found.items()) for text in item]))


def _members(flat: list[str]) -> Iterable[Member]:
    for name, record in zip(flat[::2], flat[1::2], strict=True):
        since, seen, weight, draining = record.split(" ")
        yield Member(name, int(since), int(seen), float(weight), draining == "1")
