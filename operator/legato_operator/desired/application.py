"""A node's application.yml: what the music rests on, and what a user may add. Pure."""

from collections.abc import Mapping

from legato_operator.desired.manifest import Manifest
from legato_operator.resources.lavalinknode import NodeSpec

FROZEN_PEER = 15_000
"""Milliseconds: without it a frozen client's socket stays open, and its session with it."""
WORKERS = 64
"""Threads: each PATCH to a dead voice server blocks one for ever, and Lavalink has 16."""


def document(spec: NodeSpec, port: int) -> Manifest:
    """Make the whole file; the password comes by the environment."""
    return merged(dict(spec.application_yml or {}), _ours(spec, port))


def refused(spec: NodeSpec, port: int) -> tuple[str, ...]:
    """Name what of a user's file would break the music, or is said elsewhere."""
    said = spec.application_yml or {}
    wrong = tuple(_differing(said, _ours(spec, port)))
    return wrong + (("lavalink.server.password",) if _has_password(said) else ())


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


def _differing(said: Mapping[str, object], ours: Manifest, path: str = "") -> list[str]:
    found: list[str] = []
    for key, value in said.items():
        if key not in ours:
            continue
        here = f"{path}{key}"
        if isinstance(value, Mapping) and isinstance(ours[key], dict):
            found += _differing(value, ours[key], f"{here}.")
        elif value != ours[key]:
            found.append(here)
    return found


def _has_password(said: Mapping[str, object]) -> bool:
    lavalink = said.get("lavalink")
    server = lavalink.get("server") if isinstance(lavalink, Mapping) else None
    return isinstance(server, Mapping) and "password" in server
