"""Links that the simulator's music lacks: a piece with every tag, and a server that hangs up."""

import asyncio
import io
from pathlib import Path

import av
from aiohttp import web

from legato_simulator.library import Library

TAGGED = "tone-4-2s.ogg"
TAGS = {"title": "Every tag", "artist": "The Simulators", "ISRC": "QZNWX2227540"}


def routes(library: Library) -> list[web.RouteDef]:
    """List the routes."""

    async def tagged(_: web.Request) -> web.Response:
        body = await asyncio.to_thread(_tagged, await library.file(TAGGED))
        return web.Response(body=body, content_type="audio/ogg")

    async def hang_up(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.close()
        return web.Response()

    return [web.get("/music/odd/tagged.ogg", tagged), web.get("/music/odd/hang-up", hang_up)]


def _tagged(source: Path) -> bytes:
    """Write a piece's packets anew, with tags."""
    target = io.BytesIO()
    with av.open(source) as old, av.open(target, "w", format="ogg") as new:
        new.metadata.update(TAGS)
        stream = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return target.getvalue()
