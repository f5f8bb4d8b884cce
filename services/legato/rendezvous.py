"""Who should own what: weighted rendezvous hashing with bounded load. Pure: no clock, no Redis.

Everybody who sees the same members comes to the same answer, and a member that comes or goes moves
only its own share. https://en.wikipedia.org/wiki/Rendezvous_hashing
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

Thing = TypeVar("Thing")

SLACK = 1.25
"""A member gets at most its fair share times this, or just that share where there are few things:
of two shards one gateway holds both only where it is alone."""


def assign(
    things: Iterable[Thing], members: Mapping[str, float], *, slack: float = SLACK
) -> dict[Thing, str]:
    """Name the owner of each thing; members of weight 0 get none. Empty where nobody is there."""
    weights = {name: weight for name, weight in members.items() if weight > 0}
    if not weights:
        return {}
    ranked = {thing: _ranking(str(thing), weights) for thing in things}
    room = _room(len(ranked), weights, slack)
    owners: dict[Thing, str] = {}
    for thing, ranking in sorted(ranked.items(), key=lambda item: (-item[1][0][0], str(item[0]))):
        owner = next((name for _, name in ranking if room[name] > 0), ranking[0][1])
        room[owner] -= 1
        owners[thing] = owner
    return owners


def _ranking(thing: str, weights: Mapping[str, float]) -> list[tuple[float, str]]:
    scores = ((_score(thing, name, weight), name) for name, weight in weights.items())
    return sorted(scores, reverse=True)


def _score(thing: str, member: str, weight: float) -> float:
    """Return -weight / ln(h): the highest wins, with a chance in proportion to the weight."""
    digest = hashlib.blake2b(f"{thing}\n{member}".encode(), digest_size=8).digest()
    unit = (int.from_bytes(digest, "big") + 1) / (2**64 + 2)
    return -weight / math.log(unit)


def _room(count: int, weights: Mapping[str, float], slack: float) -> dict[str, int]:
    total = sum(weights.values())
    shares = {name: count * weight / total for name, weight in weights.items()}
    return {
        name: max(math.ceil(share), math.floor(share * slack)) for name, share in shares.items()
    }
