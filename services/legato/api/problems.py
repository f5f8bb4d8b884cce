"""Errors as RFC 9457's problem+json: the one place that maps them to HTTP."""

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from legato import telemetry
from legato.api.auth import TooMany
from legato.errors import Rejected, Unavailable

_log = telemetry.logger(__name__)

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="legato"'}

REASONS: dict[str, tuple[int, str]] = {
    "no_key": (401, "Send an API key as `Authorization: Bearer …` or as `X-API-Key`."),
    "wrong_key": (401, "This API key is wrong, expired or revoked."),
    "not_allowed": (403, "This API key does not reach that far. Ask for one with that scope."),
    "no_player": (404, "This guild has no player. Start one with /play in Discord."),
    "bad_guild": (400, "A guild's id is a number of Discord's, such as 81384788765712384."),
    "bad_page": (400, "A page is a whole number from 1 to 100000."),
    "no_such_page": (404, "There is nothing at this address. /schema lists what there is."),
    "wrong_method": (405, "Only GET is answered here."),
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    """A name for programs: no_key, no_player, too_many, …; docs/api.md lists them."""
    trace_id: str = ""
    """What to look for in the logs."""


_TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}

_CODES = {404: "no_such_page", 405: "wrong_method"}

Asked = Request[object, object, object]  # type: ignore[type-var]  # litestar's State bound


def _problem(
    status: int, code: str, detail: str, headers: dict[str, str] | None = None
) -> Response[Problem]:
    body = Problem(
        title=_TITLES.get(status, "Error"),
        status=status,
        detail=detail,
        code=code,
        trace_id=telemetry.trace_id(),
    )
    return Response(
        body, status_code=status, media_type="application/problem+json", headers=headers
    )


def rejected(_: Asked, error: Rejected) -> Response[Problem]:
    """Tell the caller what is wrong on their side."""
    status, detail = REASONS.get(error.reason, (400, error.detail or error.reason))
    return _problem(status, error.reason, detail, _CHALLENGE if status == 401 else None)


def too_many(_: Asked, error: TooMany) -> Response[Problem]:
    """Tell the caller when to come again."""
    seconds = error.seconds
    return _problem(
        429,
        "too_many",
        f"This API key asked too often. Try again in {seconds} s.",
        {"Retry-After": str(seconds)},
    )


def unavailable(_: Asked, error: Unavailable) -> Response[Problem]:
    """Tell that a dependency is away, and log which."""
    _log.warning("a request found a dependency away", dependency=error.dependency, why=error.why)
    detail = "A part of Legato can't be reached. Try again in a moment."
    return _problem(503, "unavailable", detail, {"Retry-After": "2"})


def http(_: Asked, error: HTTPException) -> Response[Problem]:
    """Give litestar's own refusals (no such address, a bad parameter) the same shape."""
    status = error.status_code
    code = _CODES.get(status, "bad_request")
    if code == "bad_request" and "page" in _parameters(error):
        code = "bad_page"
    detail = REASONS[code][1] if code in REASONS else error.detail
    return _problem(status, code, detail, dict(error.headers or {}))


def _parameters(error: HTTPException) -> set[str]:
    """Name the parameters that litestar could not read."""
    found = error.extra if isinstance(error.extra, list) else []
    return {str(one.get("key")) for one in found if isinstance(one, dict)}


def internal(_: Asked, error: Exception) -> Response[Problem]:
    """Log a bug, and tell nothing of it but the trace to look for."""
    _log.error("a request failed", exc_info=error)
    return _problem(500, "internal", "Something went wrong; it has been logged.")


HANDLERS: ExceptionHandlersMap = {
    Rejected: rejected,
    TooMany: too_many,
    Unavailable: unavailable,
    HTTPException: http,
    Exception: internal,
}
