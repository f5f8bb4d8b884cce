"""How many shards a bot has, and how many gateway pods hold them. Pure."""

import math
from dataclasses import dataclass
from typing import Literal

from legato_operator.resources.musicbot import Gateway

RESERVE = 50
"""Identifies a day that gateways leave unused: what their IDENTIFY_RESERVE is by default."""
Reason = Literal["Asked", "Stored", "NotKnownYet", "ReshardNeeded", "Resharding"]


@dataclass(frozen=True, slots=True)
class Sharding:
    """A count of shards and pods, and where it is from."""

    shards: int | None
    """None = Discord has not advised yet: the first gateway asks it and stores the answer."""
    pods: int
    reason: Reason
    message: str

    @property
    def is_resharding(self) -> bool:
        """Say whether the stored count is to give way to the wanted one."""
        return self.reason == "Resharding"


def plan(gateway: Gateway, stored: int | None) -> Sharding:
    """Take the stored count, which binds every process of the bot, before any wish.

    Only a wish that is confirmed by its value replaces it: every session then begins anew.
    """
    wanted = gateway.shards
    if stored is None and wanted is None:
        return Sharding(None, 1, "NotKnownYet", "the first gateway asks Discord how many")
    if stored is None or wanted == stored:
        count = wanted or 1
        return Sharding(count, _pods(count, gateway), "Asked", f"{count} shards as asked for")
    if wanted is None:
        return Sharding(
            stored, _pods(stored, gateway), "Stored", f"{stored} shards as first advised"
        )
    if gateway.reshard_to == wanted:
        why = f"from {stored} to {wanted} shards: every session ends, and begins anew"
        return Sharding(wanted, _pods(wanted, gateway), "Resharding", why)
    why = (
        f"{wanted} shards are asked for, and the bot was laid out for {stored}: "
        f"confirm by gateway.reshardTo: {wanted}"
    )
    return Sharding(stored, _pods(stored, gateway), "ReshardNeeded", why)


def _pods(shards: int, gateway: Gateway) -> int:
    return math.ceil(shards / gateway.shards_per_pod)


def shortfall(layout: Sharding, left: int | None) -> str:
    """Say why today's identifies would not connect every shard anew; nothing where they would."""
    needed = layout.shards or 1
    if left is None or left - RESERVE >= needed:
        return ""
    return (
        f"{left} identifies are left today, of which gateways leave {RESERVE} unused,"
        f" and {needed} may be needed"
    )
