"""Which bots may follow the operator to a new release now: a few at a time. Pure.

So a release that breaks bots breaks the first of them, and the others stay as they are.
"""

from collections.abc import Sequence

from legato_operator.seen import Peer, World
from legato_operator.verdicts import Verdict


def turn(me: Peer, world: World) -> Verdict:
    """Say whether a bot that follows the operator may take its release."""
    if me.version in {"", world.release}:
        return Verdict("RolloutSlot", ok=True)
    others = [one for one in world.peers if (one.namespace, one.name) != (me.namespace, me.name)]
    on_their_way = [one for one in others if one.version == world.release and _is_busy(one)]
    free = world.rollouts_at_once - len(on_their_way)
    before_me = sorted(one for one in others if _waits(one, world) and one < me)
    ok = len(before_me) < free
    return Verdict("RolloutSlot", ok, "" if ok else f"first {_named(on_their_way or before_me)}")


def _is_busy(one: Peer) -> bool:
    """A bot that is not fine after its rollout keeps its slot: the next might fare the same."""
    return one.follows and (one.progressing or not one.ready)


def _waits(one: Peer, world: World) -> bool:
    """A bot that was not fine before waits until it is, and nobody waits for it."""
    return one.follows and one.ready and one.version not in {"", world.release}


def _named(bots: Sequence[Peer]) -> str:
    return ", ".join(f"{one.namespace}/{one.name}" for one in bots[:3])
