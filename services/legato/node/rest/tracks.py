"""loadtracks, decodetrack and decodetracks."""

import msgspec
from aiohttp import web

from legato.node import track
from legato.node.errors import RequestError
from legato.node.node import Node
from legato.node.rest.edge import json

MOST_DECODED = 10_000


def routes(node: Node) -> list[web.RouteDef]:
    """List the routes."""

    async def load(request: web.Request) -> web.Response:
        identifier = request.query.get("identifier", "")
        if not identifier:
            raise RequestError(400, "Required parameter 'identifier' is not present.")
        return web.Response(body=await node.load(identifier), content_type="application/json")

    async def decode(request: web.Request) -> web.Response:
        encoded = request.query.get("encodedTrack") or request.query.get("track")
        if not encoded:
            raise RequestError(400, "No track to decode provided")
        return json(_decode(encoded))

    async def decode_many(request: web.Request) -> web.Response:
        try:
            encoded = msgspec.json.decode(await request.read(), type=list[str])
        except msgspec.MsgspecError as error:
            raise RequestError(400, str(error)) from error
        if not encoded:
            raise RequestError(400, "No tracks to decode provided")
        return json([_decode(each) for each in encoded[:MOST_DECODED]])

    return [
        web.get("/v4/loadtracks", load),
        web.get("/v4/decodetrack", decode),
        web.post("/v4/decodetracks", decode_many),
    ]


def _decode(encoded: str) -> object:
    try:
        # A plus sign that was not percent-encoded arrives as a space.
        return track.public(encoded.replace(" ", "+"))
    except track.BadTrack as error:
        raise RequestError(400, f"Bad track: {error}") from error
