"""Leases: the right to own a shard or a partition. Knows no members and no reason to own.

A lease is a hash without a time to live, so that an outage of Redis ends none; its epoch only ever
grows, and every write of an owner names it (ownership.md, 2).
"""

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta

from legato.contracts import keys
from legato.contracts.keys import Owned
from legato.protocol import records
from legato.protocol.lease import ISOLATION, RENEW, TTL, Lease
from legato.redis import Client, Script, reaching

__all__ = ["ISOLATION", "RENEW", "TTL", "Held", "Lease", "Leases"]


@dataclass(frozen=True, slots=True)
class Held:
    """Another has it."""

    what: Owned
    owner: str
    """"" = Redis does not know it."""
    age: timedelta
    """Since its last renewal."""


class Leases:
    """The leases of one owner."""

    def __init__(
        self, redis: Client, *, owner: str, ttl: timedelta = TTL, renew: timedelta = RENEW
    ) -> None:
        """Take a member's name; the leases carry it with a mark of this run of its process."""
        self.owner = f"{owner}~{secrets.token_hex(4)}"
        self.ttl = ttl
        self.every = renew
        self._redis = redis
        self._acquire = Script("acquire")
        self._renew = Script("renew")
        self._release = Script("release")
        self._tick = Script("tick")

    async def steady(self) -> timedelta:
        """Say how long Redis has been reachable without a gap, by anybody's notes; note it too."""
        answer = await self._tick(self._redis, [keys.tick()], _ms(self.ttl / 2))
        return timedelta(milliseconds=_integer(answer))

    async def acquire(self, what: Owned, *, unknown: bool = True) -> Lease | Held:
        """Take a lease that is free, or stale although its owner could have renewed it.

        `unknown`: also one that Redis does not know.
        """
        found = await self._try(what, take=False, unknown=unknown)
        if isinstance(found, Held) and found.age >= self.ttl and await self._may_take(found):
            return await self._try(what, take=True, unknown=unknown)
        return found

    async def _may_take(self, found: Held) -> bool:
        steady = _ms(await self.steady())
        return records.may_take(_ms(found.age), steady=steady, ttl=_ms(self.ttl))

    async def _try(self, what: Owned, *, take: bool, unknown: bool) -> Lease | Held:
        begun = time.monotonic()
        may = int(take), int(unknown)
        answer = await self._acquire(
            self._redis, [keys.lease(what)], self.owner, _ms(self.ttl), *may
        )
        match answer:
            case [1, epoch]:
                return self._lease(what, _integer(epoch), begun)
            case [0, bytes(holder), age]:
                return Held(what, holder.decode(), timedelta(milliseconds=_integer(age)))
            case _:
                raise TypeError(f"acquire.lua answered {answer!r}")

    async def renew(self, lease: Lease) -> Lease | None:
        """Renew; None says that another has it now. A lease that Redis lost has a new epoch."""
        begun = time.monotonic()
        again = int(lease.left_alone(now=begun) > timedelta(0))
        answer = await self._renew(
            self._redis, [keys.lease(lease.what)], lease.owner, str(lease.epoch), again
        )
        if not answer:
            return None
        return self._lease(lease.what, _integer(answer), begun)

    def _lease(self, what: Owned, epoch: int, begun: float) -> Lease:
        deadline = begun + self.ttl.total_seconds()
        return Lease(what, self.owner, epoch, deadline, renewed=begun)

    async def release(self, lease: Lease) -> None:
        """Give it up; nothing happens where it is another's already."""
        await self._release(self._redis, [keys.lease(lease.what)], lease.owner, str(lease.epoch))

    async def release_all_of(self, owner: str) -> int:
        """Free every lease of a member that surely is dead: for the supervisor of one machine."""
        freed = 0
        with reaching("release_all_of"):
            async for key in self._redis.scan_iter(match="*:lease", count=1000):
                freed += _integer(await self._release(self._redis, [key.decode()], owner, ""))
        return freed


def _ms(length: timedelta) -> int:
    return round(length / timedelta(milliseconds=1))


def _integer(answer: object) -> int:
    match answer:
        case int():
            return answer
        case bytes():
            return int(answer)
        case _:
            raise TypeError(f"a script answered {answer!r}")
