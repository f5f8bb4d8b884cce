"""What the node is and how it does: version, info, stats, health, metrics."""

import importlib.metadata
import platform

import msgspec
from aiohttp import web

from legato.node import metrics, protocol
from legato.node.node import Node
from legato.node.rest.edge import json

PROTOCOL = (4, 2, 2)
"""The Lavalink whose protocol this is."""

SOURCES = ("http",)


class Version(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A semantic version taken apart."""

    semver: str
    major: int
    minor: int
    patch: int
    pre_release: str | None
    build: str | None


def routes(node: Node) -> list[web.RouteDef]:
    """List the routes."""

    async def version(_: web.Request) -> web.Response:
        return web.Response(text=_version().semver)

    async def info(_: web.Request) -> web.Response:
        return json(_info())

    async def stats(_: web.Request) -> web.Response:
        return json(node.usage.stats(node.seen_players()))

    async def health(_: web.Request) -> web.Response:
        ready = node.engine.workers.ready
        return json({"status": "healthy" if ready else "degraded"})

    async def exposed(_: web.Request) -> web.Response:
        return web.Response(
            body=metrics.render(node), headers={"Content-Type": metrics.CONTENT_TYPE}
        )

    return [
        web.get("/version", version),
        web.get("/v4/info", info),
        web.get("/v4/stats", stats),
        web.get("/health", health),
        web.get("/metrics", exposed),
    ]


def _version() -> Version:
    major, minor, patch = PROTOCOL
    build = f"legato.{importlib.metadata.version('legato')}"
    semver = f"{major}.{minor}.{patch}+{build}"
    return Version(
        semver=semver, major=major, minor=minor, patch=patch, pre_release=None, build=build
    )


def _info() -> dict[str, object]:
    return {
        "version": _version(),
        "buildTime": 0,
        "git": {"branch": "unknown", "commit": "unknown", "commitTime": 0},
        "jvm": f"Python {platform.python_version()}",
        "lavaplayer": f"PyAV {importlib.metadata.version('av')}",
        "sourceManagers": list(SOURCES),
        "filters": list(protocol.FILTERS),
        "plugins": [],
    }
