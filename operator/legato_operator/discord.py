"""Discord, asked what a token is worth before anything uses it. Decides nothing.

https://discord.com/developers/docs/events/gateway#get-gateway-bot. A token is never written, not
even into an error: what is remembered is remembered under a hash.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import msgspec

from legato_operator import names
from legato_operator.seen import Token

AGENT = "DiscordBot (https://legato.dev, 1)"
SOON = timedelta(seconds=15)
"""When Discord is asked again after it did not answer."""
LONG = timedelta(hours=1)
"""After which an answer that nobody asks for is forgotten."""
REFUSING = (401, 403)


class _Limit(msgspec.Struct):
    total: int
    remaining: int


class _Gateway(msgspec.Struct):
    session_start_limit: _Limit


class _Application(msgspec.Struct):
    id: str


@dataclass(frozen=True, slots=True)
class _Known:
    at: float
    token: Token
    again: float


class _Silent(Exception):
    """Discord gave no answer that says anything about the token."""


class Discord:
    """Its REST interface, or a simulator's."""

    def __init__(
        self,
        url: str,
        *,
        every: timedelta = timedelta(minutes=5),
        timeout: timedelta = timedelta(seconds=5),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._every = every.total_seconds()
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout.total_seconds()),
            headers={"User-Agent": AGENT},
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close()

    async def token(self, token: str, application: str, url: str | None) -> Token:
        """Say what a token is worth; asked now and again, and kept while Discord is away."""
        now, place = self._clock(), url or self._url
        hashed = names.revision([token, application, place])
        before = self._known.get(hashed)
        if before and now < before.again:
            return before.token
        self._forget(now)
        try:
            found, wait = await self._ask(place, token, application), self._every
        except (_Silent, aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            found, wait = _kept(before, error), SOON.total_seconds()
        self._known[hashed] = _Known(now, found, now + wait)
        return found

    async def _ask(self, url: str, token: str, application: str) -> Token:
        status, text = await self._get(url, "/gateway/bot", token)
        if status in REFUSING:
            return Token("Refused", "Discord refuses the token: put the right one in its Secret.")
        limit = msgspec.json.decode(text, type=_Gateway).session_start_limit
        _, text = await self._get(url, "/applications/@me", token)
        owner = msgspec.json.decode(text, type=_Application).id
        if owner != application:
            said = f"The token belongs to application {owner}, and spec.applicationId is another."
            return Token("OtherApplication", said)
        return Token("Valid", remaining=limit.remaining, total=limit.total)

    async def _get(self, url: str, path: str, token: str) -> tuple[int, bytes]:
        try:
            headers = {"Authorization": f"Bot {token}"}
            async with self._http.get(url.rstrip("/") + path, headers=headers) as answer:
                if answer.status != 200 and answer.status not in REFUSING:
                    raise _Silent(f"it answers {answer.status}")
                return answer.status, await answer.read()
        except ValueError as error:  # a token with a line break makes no header
            raise _Silent("the token is no text that a header can hold") from error

    def _forget(self, now: float) -> None:
        oldest = now - LONG.total_seconds()
        self._known = {key: one for key, one in self._known.items() if one.at >= oldest}


def _kept(before: _Known | None, error: Exception) -> Token:
    if before is not None:
        return before.token
    why = "it takes too long" if isinstance(error, TimeoutError) else str(error)[:200]
    return Token("Unreachable", f"Discord can't be asked about the token: {why}")
