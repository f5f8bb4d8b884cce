"""A partition's inbox, read in order. Knows no player, and not what is done with the entries."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import structlog

from legato.bus import Bus, Entry
from legato.contracts import inbox, keys
from legato.contracts.partitions import Partition
from legato.errors import Unavailable

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

BLOCK, NONE = timedelta(seconds=1), timedelta(0)
PAUSE = 0.2

Entries = list[Entry[inbox.Message]]

_decoder: msgspec.json.Decoder[inbox.Message] = msgspec.json.Decoder(inbox.Message)


async def entries(
    bus: Bus, partition: Partition, after: str, *, first: int
) -> AsyncIterator[Entries]:
    """Yield what follows an entry: `first` what is there now, if only nothing; then what comes."""
    found = await _read(bus, partition, after, count=first)
    yield found
    while True:
        after = found[-1].id if found else after
        found = await _read(bus, partition, after, block=BLOCK)
        if found:
            yield found


async def _read(
    bus: Bus, partition: Partition, after: str, *, block: timedelta = NONE, count: int = 100
) -> Entries:
    key = keys.inbox(partition)
    while True:
        try:
            return await bus.read(key, after, decoder=_decoder, block=block, count=count)
        except Unavailable as error:
            log.warning("inbox not read", partition=str(partition), why=str(error))
            await asyncio.sleep(PAUSE)
