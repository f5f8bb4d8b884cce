"""A node's application.yml: what the music rests on, and what a user may add. Pure."""

import re
from collections.abc import Iterator, Mapping

from legato_operator.desired.manifest import Manifest
from legato_operator.resources.lavalinknode import FOR_JAVA, NodeSpec
from legato_operator.resources.shared import EnvVar

FROZEN_PEER = 15_000
"""Milliseconds: without it a frozen client's socket stays open, and its session with it."""
PASSWORD = "lavalink.server.password"  # noqa: S105  # where it would stand
ANOTHER_FILE = ("spring.config", "spring.application.json")
"""Where Spring reads more than this file: https://docs.spring.io/spring-boot/reference/features/external-config.html."""
OPTION = re.compile(r"-D([^=\s]+)=?(\S*)")
KEY = re.compile(r"\[([^\]\d][^\]]*)\]")
"""A key as Spring takes it too: server[port]."""
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


def faults(spec: NodeSpec, port: int) -> tuple[str, ...]:
    """Say in sentences what of a user's would break the music, by whichever way it is said."""
    listed = (
        ("applicationYml", refused(spec, port)),
        ("podTemplate.env", _in_environment(spec, port)),
        ("javaOptions", _in_options(spec, port)),
    )
    return tuple(
        f"{field} must not set {', '.join(found)}: the music rests on it. Remove it there."
        for field, found in listed
        if found
    )


def _in_environment(spec: NodeSpec, port: int) -> tuple[str, ...]:
    """Name variables that Spring takes for a setting of ours, or Java for its options."""
    ours = {_flat(path): _said(value) for path, value in _leaves(_ours(spec, port))}
    lists = tuple(path for path, value in ours.items() if isinstance(value, list))

    def breaks(one: EnvVar) -> bool:
        flat = _flat(one.name)
        if one.name in FOR_JAVA or flat.startswith((*map(_flat, ANOTHER_FILE), *lists)):
            return True
        said = None if one.value_from else one.value.lower()
        return flat in ours and said != ours[flat]

    return tuple(one.name for one in spec.pod_template.env if breaks(one))


def _in_options(spec: NodeSpec, port: int) -> tuple[str, ...]:
    """Name properties among the options for Java."""
    ours = {_canonical(path): _said(value) for path, value in _leaves(_ours(spec, port))}
    found = OPTION.findall(spec.java_options.replace('"', "").replace("'", ""))
    return tuple(
        f"-D{path}" for path, said in found if _breaks(_canonical(path), said.lower(), ours)
    )


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
    if path == PASSWORD or any(f"{path}.".startswith(f"{one}.") for one in ANOTHER_FILE):
        return True
    if path in ours:
        return value != ours[path]
    return any(
        one.startswith((f"{path}.", f"{path}[")) or path.startswith((f"{one}.", f"{one}["))
        for one in ours
    )


def _said(value: object) -> object:
    """Write a plain value as a property has it; a list can't be said in one."""
    return value if isinstance(value, list) else str(value).lower()


def _flat(path: str) -> str:
    return _canonical(path).replace(".", "")


def _canonical(path: str) -> str:
    return KEY.sub(r".\1", path).lower().replace("-", "").replace("_", "")
