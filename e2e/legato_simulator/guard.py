"""Keeps foreign web pages from the control address: who may ask, by Host and Origin.

A page anywhere in the web can send requests to 127.0.0.1, under that name or (DNS rebinding) under
one of its own. Programs send no Origin, and are not meant.
"""

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


def is_loopback(host: str | None) -> bool:
    """Say whether a host's name can only be this machine."""
    name = (host or "").removesuffix(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def allows(netloc: str, origin: str | None, *, names: frozenset[str], public: bool) -> bool:
    """Decide by the Host and Origin of a request; `names` are hosts that are one's own.

    `public` is a simulator that listens for other machines: it can't know its names.
    """
    host = _hostname(f"//{netloc}")
    if not (public or is_loopback(host) or host in names):
        return False
    if origin is None:
        return True
    asking = _hostname(origin)
    return is_loopback(asking) or asking in names or origin.partition("://")[2] == netloc


def middleware(prefix: str, *, listens_on: str, public_host: str | None) -> Middleware:
    """Make the guard of everything under a path."""
    names = frozenset({listens_on, public_host or listens_on})
    public = not is_loopback(listens_on)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        guarded = request.path == prefix or request.path.startswith(f"{prefix}/")
        origin = request.headers.get("Origin")
        if guarded and not allows(request.host, origin, names=names, public=public):
            raise web.HTTPForbidden(text="This address answers to its own machine only.\n")
        return await handler(request)

    return guard


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
