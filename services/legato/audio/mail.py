"""What a partition's mailbox holds. Pure values."""

import asyncio
from dataclasses import dataclass

from legato.audio.events import Internal
from legato.bus import Entry
from legato.contracts import inbox


@dataclass(frozen=True, slots=True)
class Told:
    """An event for a player, and the node session that told it, where one did."""

    event: Internal
    node: str = ""
    session_id: str = ""
    trace: str = ""
    """W3C trace context of the effect that told it."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An effect that is done, or given up."""

    guild_id: int
    key: str


@dataclass(frozen=True, slots=True)
class Reached:
    """A mark; set when all before it is committed."""

    event: asyncio.Event


@dataclass(frozen=True, slots=True)
class Due:
    """Effects that are done have waited long enough to be struck out."""


@dataclass(frozen=True, slots=True)
class Back:
    """The books are in reach again: what waits of the inbox may be taken."""


Mail = Entry[inbox.Message] | Told | Settled | Due | Reached | Back
