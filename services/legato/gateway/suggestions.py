"""What /play offers while somebody types: asked of any audio worker, past the streams."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from legato import text
from legato.bus import Bus
from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.asking import Choices, Search
from legato.contracts.flags import AUTOCOMPLETE_OFF
from legato.errors import Unavailable
from legato.flags import Flags
from legato.gateway import events, urls
from legato.gateway.answers import Json
from legato.gateway.producer import Producer
from legato.gateway.reach import Reach
from legato.limits import Limits, Policy

PATIENCE = timedelta(seconds=1.5)
"""Discord waits 3 s and can't be put off here; an empty list is the answer after this."""
_MOST_SECONDS = 2.0
"""With the questions to Redis that come first."""
PER_TYPIST = Policy("typing", 12, timedelta(seconds=6))
_DECODER = msgspec.json.Decoder(Choices)
_NOTHING = Choices()


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The way to ask, and its limits."""

    bot: int
    bus: Bus
    producer: Producer
    limits: Limits
    clock: ServerClock
    flags: Flags
    reach: Reach
    patience: timedelta = PATIENCE

    async def find(self, event: events.Interaction) -> list[Json]:
        """Find what fits the text typed so far; an empty list rather than an error."""
        typed = next((str(o.value or "") for o in event.data.options if o.focused), "")
        if self.reach.is_away or urls.has_tricks(typed) or len(typed) > urls.LONGEST:
            return []
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                return await self._find(event, typed)
        except (Unavailable, TimeoutError):
            return []

    async def _find(self, event: events.Interaction, typed: str) -> list[Json]:
        guild_id = event.guild_id or 0
        if await self.flags.is_on(AUTOCOMPLETE_OFF, guild_id):
            return []
        if await self.limits.take(PER_TYPIST, event.user_id):
            return []
        return _fitting(await self._ask(typed, guild_id))

    async def _ask(self, typed: str, guild_id: int) -> Choices:
        request = secrets.token_hex(8)
        region = self.producer.partition(guild_id).region
        reply_to = keys.answer(self.bot, region, request)
        question = Search(
            request_id=request,
            reply_to=reply_to,
            text=typed,
            guild_id=guild_id,
            expires_at=self.clock.now() + round(self.patience / timedelta(milliseconds=1)),
        )
        found = await self.bus.ask(
            keys.requests(self.bot, region),
            question,
            reply_to=reply_to,
            decoder=_DECODER,
            timeout=self.patience,
        )
        return found or _NOTHING


def _fitting(found: Choices) -> list[Json]:
    """Fit choices to Discord: 25 of them, names and values of at most 100 characters."""
    fitting = [choice for choice in found.choices if 0 < len(choice.value) <= 100][:25]
    return [{"name": text.plain(one.name, 100), "value": one.value} for one in fitting]
