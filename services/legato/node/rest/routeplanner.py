"""The route planner's routes, answered as Lavalink answers them without one."""

from aiohttp import web

from legato.node.errors import RequestError

PREFIX = "/v4/routeplanner"


def routes() -> list[web.RouteDef]:
    """List the routes."""
    return [
        web.get(f"{PREFIX}/status", _status),
        web.post(f"{PREFIX}/free/address", _free),
        web.post(f"{PREFIX}/free/all", _free),
    ]


async def _status(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def _free(_: web.Request) -> web.Response:
    raise RequestError(500, "Can't access disabled route planner")
