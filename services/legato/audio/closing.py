"""The end of a bot that is deleted: it leaves every channel. It knows no node."""

import asyncio
from datetime import timedelta

from legato.audio.events import Closing
from legato.audio.fleet import Fleet
from legato.audio.partitions import PartitionLoop

LOOK_EVERY = timedelta(seconds=1)


async def leave(loop: PartitionLoop, fleet: Fleet, *, every: timedelta = LOOK_EVERY) -> None:
    """Tell the players of a partition to leave, as long as their bot is being deleted."""
    while True:
        if fleet.directive.closing is True:
            _tell(loop)
        await asyncio.sleep(every.total_seconds())


def _tell(loop: PartitionLoop) -> None:
    for guild_id, player in tuple(loop.players.items()):
        if player.voice.wanted is not None:
            loop.tell(Closing(guild_id=guild_id))
