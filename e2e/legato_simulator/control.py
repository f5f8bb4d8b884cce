"""The script interface over HTTP: one POST for each action, and a stream of what happens."""

import json

import msgspec
from aiohttp import web

from legato_simulator.actions.catalogue import Catalogue
from legato_simulator.feed import Feed
from legato_simulator.problems import Problem
from legato_simulator.views import ScriptError

PREFIX = "/control"


class Control:
    """Serves /control."""

    def __init__(self, catalogue: Catalogue, feed: Feed) -> None:
        self._catalogue = catalogue
        self._feed = feed

    def register(self, app: web.Application) -> None:
        """Add the routes to an application."""
        app.router.add_get(PREFIX, self._list)
        app.router.add_get(PREFIX + "/events", self._events)
        app.router.add_post(PREFIX + "/{action}", self._act)

    async def _list(self, request: web.Request) -> web.Response:
        return _json(self._catalogue.describe())

    async def _act(self, request: web.Request) -> web.Response:
        name = request.match_info["action"].replace("-", "_")
        raw = await request.read()
        try:
            arguments = json.loads(raw) if raw else {}
            if not isinstance(arguments, dict):
                raise ScriptError("The body has to be a JSON object of arguments.")
            return _json(await self._catalogue.call(name, arguments))
        except TimeoutError:
            return _json({"error": f"{name}: it took too long"}, 408)
        except Problem as problem:
            return _json({"error": f"{name}: {problem}", "discord": problem.body()}, 400)
        except ValueError as error:
            return _json({"error": str(error)}, 400)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Stream happenings as server-sent events; Last-Event-ID goes on where one stopped."""
        since = request.headers.get("Last-Event-ID") or request.query.get("since")
        last = int(since) if since and since.isdigit() else self._feed.last
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(b": connected\n\n")
        async for happening in self._feed.follow(last):
            data = msgspec.json.encode(happening.data)
            head = f"id: {happening.id}\nevent: {happening.type}\ndata: ".encode()
            await response.write(head + data + b"\n\n")
        return response


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )
