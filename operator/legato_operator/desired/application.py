"""A node's application.yml: what the music rests on, and what a user may add. Pure."""

from collections.abc import Iterator, Mapping

from legato_operator.desired.manifest import Manifest
from legato_operator.resources.lavalinknode import NodeSpec

FROZEN_PEER = 15_000
"""Milliseconds: without it a frozen client's socket stays open, and its session with it."""
PASSWORD = "lavalink.server.password"  # noqa: S105  # where it would stand
WORKERS = 64
"""Threads: each PATCH to a dead voice server blocks one for ever, and Lavalink has 16."""


def document(spec: NodeSpec, port: int) -> Manifest:
    """Make the whole file; the password comes by the environment."""
    return merged(dict(spec.application_yml or {}), _ours(spec, port))


def refused(spec: NodeSpec, port: int) -> tuple[str, ...]:
    """Name what of a user's file would break the music, or is said elsewhere.

    In every spelling that Spring takes for the same: dotted, with dashes, in small letters
    (https://docs.spring.io/spring-boot/reference/features/external-config.html, relaxed binding).
    """
    ours = {_canonical(path): value for path, value in _leaves(_ours(spec, port))}
    said = dict(_leaves(spec.application_yml or {}))
    return tuple(path for path, value in said.items() if _breaks(_canonical(path), value, ours))


def merged(under: Manifest, over: Manifest) -> Manifest:
    """Lay one document over another, mapping by mapping."""
    both = dict(under)
    for key, value in over.items():
        below = both.get(key)
        both[key] = (
            merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return both


def _ours(spec: NodeSpec, port: int) -> Manifest:
    sources = spec.sources
    server: Manifest = {
        "playerUpdateInterval": 1,
        "sources": {
            "http": sources.http,
            "bandcamp": sources.bandcamp,
            "soundcloud": sources.soundcloud,
            "twitch": sources.twitch,
            "vimeo": sources.vimeo,
            "nico": sources.nico,
            "youtube": False,
            "local": False,
        },
    }
    lavalink: Manifest = {"server": server, "pluginsDir": "/tmp/plugins"}  # noqa: S108
    if spec.plugins:
        lavalink["plugins"] = [
            {"dependency": one.dependency}
            | ({"repository": one.repository} if one.repository else {})
            for one in spec.plugins
        ]
    options = {"socket": {"READ_TIMEOUT": FROZEN_PEER, "KEEP_ALIVE": True}}
    return {
        "server": {
            "port": port,
            "address": "0.0.0.0",  # noqa: S104  # reached by audio pods, by password
            "undertow": {"options": options, "threads": {"worker": WORKERS}},
        },
        "lavalink": lavalink,
        "metrics": {"prometheus": {"enabled": True, "endpoint": "/metrics"}},
    }


def _leaves(said: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    for key, value in said.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, here)
        else:
            yield here, value


def _breaks(path: str, value: object, ours: Mapping[str, object]) -> bool:
    """Say whether it sets a field of ours, all above one, or something within one, otherwise."""
    if path == PASSWORD:
        return True
    if path in ours:
        return value != ours[path]
    return any(
        one.startswith((f"{path}.", f"{path}[")) or path.startswith((f"{one}.", f"{one}["))
        for one in ours
    )


def _canonical(path: str) -> str:
    return path.lower().replace("-", "").replace("_", "")
