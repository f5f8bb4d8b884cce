"""Discord's REST v10 through hikari 2.7.0, within the limits. Knows no gateway.

With `discord_connection` and `discord_limits` the only importer of hikari. Its cache stays off.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import hikari
import msgspec
from hikari import errors
from hikari.impl import HTTPSettings, ProxySettings, RESTClientImpl
from hikari.impl.config import HTTPTimeoutSettings
from hikari.impl.entity_factory import EntityFactoryImpl
from hikari.internal.routes import Route as _Route

from legato.errors import Unavailable
from legato.gateway.discord_limits import Buckets, SlowDown
from legato.protocol.lease import CALL
from legato.settings import Secret

Route = _Route

_LONGEST_WAIT = timedelta(minutes=5)
"""For a route's own limit; beyond, a request fails."""
_CALLBACK_WITHIN = timedelta(seconds=3)
"""Discord takes no first answer to an interaction after this time."""
_TRIES = 5
"""Of a request that the global limit refuses each time; between them is the time it asks for."""

ALREADY_ACKNOWLEDGED = 40060
UNKNOWN_INTERACTION = 10062
UNKNOWN_MESSAGE = 10008
UNKNOWN_WEBHOOK = 10015
"""https://discord.com/developers/docs/topics/opcodes-and-status-codes#json"""


class Refused(Exception):
    """Discord said no: an HTTP status of 400 to 499 and its own code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code


class Pacer(Protocol):
    """Discord's global limit over all our processes."""

    async def wait(self, *, again: bool = False) -> None:
        """Return when one more request may go; `again` when Discord refused it before."""

    async def hold(self, duration: timedelta) -> None:
        """Let nobody pass for a while."""


class Rest:
    """Discord's REST v10, as far as Legato uses it.

    Answers to interactions have connections of their own: they never wait behind the bot's own
    requests, nor for Discord's global limit.
    """

    def __init__(self, token: Secret, *, url: str | None, pacer: Pacer) -> None:
        self._pacer = pacer
        address = url.rstrip("/") if url else None
        self._own, self._answering = _client(token, address), _client(token, address)

    async def open(self) -> None:
        """Begin; needs a running loop."""
        self._own.start()
        self._answering.start()

    async def close(self) -> None:
        """End."""
        for client in (self._own, self._answering):
            if client.is_alive:
                await client.close()

    async def call(self, route: Route, body: object = None, **path: int | str) -> object:
        """Make a request as the bot, when it may go. Raises Refused, Unavailable."""
        await self.pace()
        return await self.request(route, body, **path)

    async def pace(self) -> None:
        """Return when one more request may go."""
        await self._pacer.wait()

    async def request(self, route: Route, body: object = None, **path: int | str) -> object:
        """Make a request as the bot, after `pace`. Raises Refused, Unavailable."""
        for _ in range(_TRIES):
            try:
                return await _send(self._own, route, body, path, auth=hikari.UNDEFINED)
            except SlowDown as slow:
                await self._pacer.hold(slow.duration)
            await self._pacer.wait(again=True)
        raise Unavailable("discord", "it refuses whatever comes from the whole bot")

    async def answer(self, route: Route, body: object = None, **path: int | str) -> object:
        """Make a request by an interaction's token; the global limit does not count these."""
        for _ in range(_TRIES):
            try:
                return await _send(self._answering, route, body, path, auth=None)
            except SlowDown as slow:
                if slow.duration > (_CALLBACK_WITHIN if route is CALLBACK else _LONGEST_WAIT):
                    break
                await asyncio.sleep(slow.duration.total_seconds())
        raise Unavailable("discord", "it refuses whatever comes from this address")


def _client(token: Secret, url: str | None) -> RESTClientImpl:
    timeouts = HTTPTimeoutSettings(total=CALL.total_seconds())
    return RESTClientImpl(
        cache=None,
        entity_factory=EntityFactoryImpl(_NoApp()),  # type: ignore[arg-type]  # never used
        executor=None,
        # Kept open: a handshake with Discord for each answer costs more than the answer.
        http_settings=HTTPSettings(timeouts=timeouts, force_close_transports=False),
        proxy_settings=ProxySettings(),
        loads=msgspec.json.decode,
        dumps=msgspec.json.encode,
        max_retries=2,
        bucket_manager=Buckets(_LONGEST_WAIT.total_seconds()),
        token=token.reveal(),
        token_type=hikari.TokenType.BOT,
        rest_url=url,
    )


async def _send(
    client: RESTClientImpl,
    route: Route,
    body: object,
    path: Mapping[str, int | str],
    *,
    auth: hikari.UndefinedNoneOr[str],
) -> object:
    """Make one request. Raises Refused, Unavailable, SlowDown."""
    compiled = route.compile(**{name: str(value) for name, value in path.items()})
    try:
        return await client._request(  # noqa: SLF001  # the pinned private name
            compiled,
            json=body,  # type: ignore[arg-type]  # any JSON value
            auth=auth,
        )
    except errors.ClientHTTPResponseError as error:
        raise Refused(int(error.status), error.code, error.message) from error
    except (errors.HTTPError, errors.ComponentStateConflictError) as error:
        raise Unavailable("discord", type(error).__name__) from error


class _NoApp:
    """What hikari's entity factory would ask for entities we never make."""


GATEWAY_BOT = Route("GET", "/gateway/bot")
ME = Route("GET", "/users/@me")
APPLICATION = Route("GET", "/applications/@me")
CALLBACK = Route("POST", "/interactions/{interaction}/{token}/callback", has_ratelimits=False)
EDIT_ORIGINAL = Route("PATCH", "/webhooks/{webhook}/{token}/messages/@original")
DELETE_ORIGINAL = Route("DELETE", "/webhooks/{webhook}/{token}/messages/@original")
FOLLOW_UP = Route("POST", "/webhooks/{webhook}/{token}")
POST_MESSAGE = Route("POST", "/channels/{channel}/messages")
EDIT_MESSAGE = Route("PATCH", "/channels/{channel}/messages/{message}")
DELETE_MESSAGE = Route("DELETE", "/channels/{channel}/messages/{message}")
PUT_COMMANDS = Route("PUT", "/applications/{application}/commands")
PUT_GUILD_COMMANDS = Route("PUT", "/applications/{application}/guilds/{guild}/commands")


def quieten() -> None:
    """Keep hikari from telling session ids, failed requests (we do) and its limits' learning."""
    logging.getLogger("hikari").setLevel(logging.WARNING)
    logging.getLogger("hikari.ratelimits").setLevel(logging.ERROR)
    logging.getLogger("hikari.rest").setLevel(logging.CRITICAL)
