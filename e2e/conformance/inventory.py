"""Everything that Lavalink's documents name, and which of it a run has met. Pure.

Answers' fields and values are read from shapes.py; routes, headers and requests stand here.
"""

import types
import typing
from collections.abc import Iterator, Mapping, Set
from typing import Literal

import msgspec
from msgspec import UnsetType

from conformance import filters, shapes

ROUTES: dict[str, tuple[str, ...]] = {
    "GET /version": (),
    "GET /v4/info": (),
    "GET /v4/stats": (),
    "GET /v4/loadtracks": ("identifier",),
    "GET /v4/decodetrack": ("encodedTrack",),
    "POST /v4/decodetracks": (),
    "GET /v4/sessions/*/players": (),
    "GET /v4/sessions/*/players/*": (),
    "PATCH /v4/sessions/*/players/*": (
        "?noReplace",
        "track.encoded",
        "track.identifier",
        "track.userData",
        "encodedTrack",
        "identifier",
        "position",
        "endTime",
        "volume",
        "paused",
        "voice.token",
        "voice.endpoint",
        "voice.sessionId",
        "voice.channelId",
        "filters.pluginFilters",
        *(
            f"filters.{name}.{field}" if isinstance(value, dict) else f"filters.{name}"
            for name, value in filters.FILTERS.items()
            for field in (value if isinstance(value, dict) else ("",))
        ),
    ),
    "DELETE /v4/sessions/*/players/*": (),
    "PATCH /v4/sessions/*": ("resuming", "timeout"),
    "GET /v4/routeplanner/status": (),
    "POST /v4/routeplanner/free/address": ("address",),
    "POST /v4/routeplanner/free/all": (),
}
"""Every route with what may be sent to it: fields of the body by their path, `?x` in the query."""

STATUSES = ("200", "204", "400", "401", "403", "404", "405", "500")
HEADERS = ("Session-Resumed", "Lavalink-Api-Version")
ANSWERS: tuple[type[shapes.Shape], ...] = (
    *shapes.LOADED.values(),
    shapes.Player,
    shapes.Session,
    shapes.Info,
    shapes.Stats,
    shapes.Error,
    shapes.RoutePlanner,
    *shapes.MESSAGES.values(),
)

NEVER = UnsetType | None
"""Of a field that is documented as one that never comes."""
CAN_NOT = {
    "TrackEnd.reason=cleanup": "comes once nobody has asked for a track's sound for a minute",
    "SearchLoaded": "needs a source that searches, and the network",
    "RoutePlanner": "needs a server with a route planner",
    "IpBlock": "needs a server with a route planner",
    "FailingAddress": "needs a server with a route planner",
    "Details": "needs a server with a route planner",
    "ExceptionInfo.severity=fault": "a defect of the server itself, or of its libraries",
    "POST /v4/routeplanner": "needs a server with a route planner",
    "TrackInfo.artworkUrl": "no link to a file has one",
    "Version.preRelease": "only a pre-release has one",
    "Version.build": "only some builds name themselves",
    "Plugin": "needs a server with plugins",
}
"""Why links to files alone may not bring something about, by the beginning of its name."""


def everything() -> dict[str, str]:
    """Name every documented thing, with its kind."""
    found = dict.fromkeys(ROUTES, "route")
    for route, fields in ROUTES.items():
        found |= {f"{route}: {field}": "request" for field in fields}
    for shape in ANSWERS:
        found |= dict.fromkeys(_named(shape), "answer")
    found |= dict.fromkeys(STATUSES, "status")
    return found | dict.fromkeys(HEADERS, "header")


def _named(shape: type[shapes.Shape]) -> Iterator[str]:
    """Name a shape's fields, the values of those that have a few, and all within them."""
    for field in msgspec.structs.fields(shape):
        name = f"{shape.__name__}.{field.encode_name}"
        if field.type == NEVER:
            continue
        yield name
        for part in _parts(field.type):
            if typing.get_origin(part) is Literal:
                for value in typing.get_args(part):
                    yield f"{name}={value}"
            elif isinstance(part, type) and issubclass(part, shapes.Shape):
                yield from _named(part)


def _parts(kind: object) -> Iterator[object]:
    """Take unions and lists apart."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) in {typing.Union, list}:
        for inner in typing.get_args(kind):
            yield from _parts(inner)
    else:
        yield kind


def answered(raw: object, shape: object) -> Iterator[str]:
    """Name what an answer brought: fields that are there and not null, and their values."""
    if isinstance(shape, list) and isinstance(raw, list):
        for one, its in zip(raw, shape, strict=True):
            yield from answered(one, its)
    elif isinstance(shape, shapes.Shape) and isinstance(raw, dict):
        for field in msgspec.structs.fields(shape):
            value = raw.get(field.encode_name)
            if value is not None:
                name = f"{type(shape).__name__}.{field.encode_name}"
                yield name
                if isinstance(value, str):
                    yield f"{name}={value}"
                yield from answered(value, getattr(shape, field.name))


def requested(
    method: str, path: str, query: Mapping[str, str], body: object, status: int
) -> Iterator[str]:
    """Name what a request that was answered has met: status, route, and fields it accepted."""
    yield str(status)
    route = _route(method, path)
    if route is None or status >= 400:
        return
    yield route
    for name in query:
        yield f"{route}: {name}"
        yield f"{route}: ?{name}"
    for name in _paths(body):
        yield f"{route}: {name}"


def _route(method: str, path: str) -> str | None:
    """Find the documented route of a path."""
    parts = path.split("/")
    for route in ROUTES:
        kind, _, template = route.partition(" ")
        wanted = template.split("/")
        fits = len(wanted) == len(parts) and all(
            one in {"*", other} for one, other in zip(wanted, parts, strict=True)
        )
        if kind == method and fits:
            return route
    return None


def _paths(body: object, prefix: str = "") -> Iterator[str]:
    """Name every field of a body, those within others by their path."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield f"{prefix}{name}"
            yield from _paths(value, f"{prefix}{name}.")
    elif isinstance(body, list):
        for one in body:
            yield from _paths(one, prefix)


def unmet(met: Set[str]) -> list[tuple[str, str, str]]:
    """List what was not met: its kind, its name, and why that may be."""
    rows = []
    for name, kind in everything().items():
        if name not in met:
            why = next((why for start, why in CAN_NOT.items() if name.startswith(start)), "")
            rows.append((kind, name, why))
    return rows
