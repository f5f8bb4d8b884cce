"""Rate limits that hold over all our processes: token buckets in Redis. Knows no command."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from legato.contracts import keys
from legato.redis import Client, Script

_ALL = "all"
_KEPT = timedelta(minutes=1)
"""What is known of a bucket after a hold; the operator may have made it slow to fill."""


@dataclass(frozen=True, slots=True)
class Policy:
    """So many at once, and as many again evenly over a time."""

    name: str
    capacity: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Claim:
    """One token of one subject's bucket."""

    policy: Policy
    subject: object = _ALL


DISCORD_GLOBAL = Policy("discord-global", 3, timedelta(milliseconds=100))
"""Discord allows a bot 50 requests a second over all routes but interactions'.

Three at once and 30 a second are 33 in any second. The rest is for what a gateway sends late: one
that a busy machine held up for half a second has 15 more for the next.

https://discord.com/developers/docs/topics/rate-limits#global-rate-limit
"""


class Limits:
    """The buckets of one bot."""

    def __init__(self, redis: Client, *, bot: int) -> None:
        self._redis = redis
        self._bot = bot
        self._take, self._hold = Script("limit"), Script("hold")

    async def take(self, policy: Policy, subject: object = _ALL) -> timedelta:
        """Take one token: zero when it was there, else how long to wait. Raises Unavailable.

        What the operator set for the policy, or as a penalty for the subject, comes first.
        """
        return await self.take_each(Claim(policy, subject))

    async def take_each(self, *claims: Claim) -> timedelta:
        """Take one token of each, in order, up to the first that is not there. Raises Unavailable.

        Returns zero, or how long to wait for that one; those before it are taken all the same.
        """
        names, arguments = self._call(claims)
        answer = await self._take(self._redis, names, *arguments)
        return timedelta(milliseconds=_delay(answer))

    def _call(self, claims: Sequence[Claim]) -> tuple[list[str], list[str | bytes | int]]:
        """Say what the script is told of some claims."""
        names, arguments = [keys.limit_policies(self._bot)], list[str | bytes | int]()
        for claim in claims:
            policy, subject = claim.policy, str(claim.subject)
            names.append(keys.limit(self._bot, policy.name, subject))
            arguments += [policy.capacity, _ms(policy.per), policy.name, f"{policy.name}:{subject}"]
        return names, arguments

    async def take_some(self, policy: Policy, most: int) -> tuple[int, timedelta]:
        """Take up to `most` tokens in one round trip. Raises Unavailable.

        Returns how many were there, and where there was none how long to wait for one.
        """
        call = self._call([Claim(policy)])
        answers = await self._take.each(self._redis, [call] * most)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        delays = [_delay(answer) for answer in answers]
        return delays.count(0), timedelta(milliseconds=min(delays))

    async def hold(self, policy: Policy, duration: timedelta) -> None:
        """Give nobody a token for a while, and then one after the other. Raises Unavailable."""
        bucket = keys.limit(self._bot, policy.name, _ALL)
        times = (_ms(duration), max(_ms(policy.per), _ms(_KEPT)))
        await self._hold(self._redis, [bucket], *times)


def _ms(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))


def _delay(answer: object) -> int:
    """Read what the script answered: 0, or ms to wait."""
    if not isinstance(answer, int):
        raise TypeError(f"limit.lua answered {answer!r}")
    return answer
