"""Around every route: the password, and errors in Lavalink's JSON. Knows no route."""

import hmac
import http
import time
import traceback
from typing import TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from legato import telemetry
from legato.node.errors import RequestError
from legato.node.settings import NodeSettings

VERSIONED = {"Lavalink-Api-Version": "4"}
"""The API's version, which Lavalink names on every answer."""

OPEN_PATHS = frozenset({"/metrics", "/health"})
LEFT = 499
"""Nobody reads it; nginx's number for a client that closed its connection."""
Response = TypeVar("Response", bound=web.StreamResponse)
_log = telemetry.logger(__name__)


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lavalink's error; `trace` only when asked for."""

    timestamp: int
    status: int
    error: str
    trace: str | None = None
    message: str
    path: str


def json(value: object, status: int = 200) -> web.Response:
    """Answer JSON."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json"
    )


def guard(settings: NodeSettings) -> Middleware:
    """Make the middleware that lets a request through and says what went wrong."""
    password = settings.password.reveal().encode()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _authorize(request, password)
            return _versioned(await handler(request))
        except RequestError as error:
            return _error(request, error.status, error.message)
        except web.HTTPException as error:
            return _error(request, error.status, error.reason)
        except Exception as error:  # the edge of a request
            if _is_left(request):
                return web.Response(status=LEFT)
            _log.exception("a request failed", path=request.path)
            return _error(request, 500, str(error) or type(error).__name__)

    return middleware


def _is_left(request: web.Request) -> bool:
    """Say whether who asked is gone, as a client that is killed in the middle of it."""
    return request.transport is None or request.transport.is_closing()


def _authorize(request: web.Request, password: bytes) -> None:
    """Ask for the password: missing is 401, wrong is 403, as in Lavalink."""
    if request.path in OPEN_PATHS:
        return
    given = request.headers.get("Authorization")
    if given is None:
        raise RequestError(401, "Unauthorized")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), password):
        raise RequestError(403, "Forbidden")


def _error(request: web.Request, status: int, message: str) -> web.Response:
    wants_trace = request.query.get("trace") == "true"
    body = ErrorBody(
        timestamp=time.time_ns() // 1_000_000,
        status=status,
        error=http.HTTPStatus(status).phrase,
        trace=traceback.format_exc() if wants_trace else None,
        message=message,
        path=request.path,
    )
    return _versioned(json(body, status))


def _versioned(response: Response) -> Response:
    response.headers.update(VERSIONED)
    return response
