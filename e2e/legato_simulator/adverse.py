"""Ill-behaved ways of serving a file, for tests of whoever reads links from strangers.

It knows no music: files come from a function.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

CHUNK = 16 << 10
HUGE = 3 << 30
OGG_START = 64 << 10
PRIVATE = "http://169.254.169.254/latest/meta-data/"
"""The clouds' metadata address: no client may ever follow a link there."""


class Adverse:
    """Routes that each do one thing wrong."""

    def __init__(self, file: Callable[[str], Awaitable[Path]]) -> None:
        self._file = file

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """List the routes; `{file}` is a file of the library."""
        ways = {
            "no-range/{file}": self._no_range,
            "slow/{file}": self._slow,
            "hang/{file}": self._hang,
            "hang-headers/{file}": self._hang_headers,
            "stop-at/{bytes}/{file}": self._stop_at,
            "status/{code}": self._status,
            "redirect/{times}/{file}": self._redirect,
            "redirect-loop": self._loop,
            "redirect-private": self._private,
            "endless.ogg": self._endless,
            "endless-bytes": self._endless_bytes,
            "huge.wav": self._huge,
            "broken/{file}": self._broken,
            "truncated/{file}": self._truncated,
            "empty.ogg": self._empty,
            "page.html": self._page,
            "recursive.m3u": self._recursive,
        }
        return [web.get(f"{prefix}/{way}", serve) for way, serve in ways.items()]

    async def _bytes(self, request: web.Request) -> bytes:
        asked = request.match_info["file"]
        try:
            path = await self._file(asked)
        except KeyError as error:
            raise web.HTTPNotFound(text=f"there is no {asked}\n") from error
        return await asyncio.to_thread(path.read_bytes)

    async def _no_range(self, request: web.Request) -> web.Response:
        """Answer 200 with everything, whatever was asked."""
        return web.Response(body=await self._bytes(request), content_type=_kind(request))

    async def _slow(self, request: web.Request) -> web.StreamResponse:
        """Send `?rate=` bytes a second (default 16,000: real time for 128 kbit/s)."""
        rate = int(request.query.get("rate", "16000"))
        body = await self._bytes(request)
        answer = await _begin(request, length=len(body))
        for start in range(0, len(body), max(1, rate // 10)):
            await answer.write(body[start : start + max(1, rate // 10)])
            await asyncio.sleep(0.1)
        return answer

    async def _hang(self, request: web.Request) -> web.StreamResponse:
        """Send headers and `?bytes=` bytes (default 20,000), then nothing more."""
        body = await self._bytes(request)
        answer = await _begin(request, length=len(body))
        await answer.write(body[: int(request.query.get("bytes", "20000"))])
        await _gone(request)
        return answer

    async def _hang_headers(self, request: web.Request) -> web.StreamResponse:
        """Take the request and never answer."""
        await _gone(request)
        return web.Response()

    async def _stop_at(self, request: web.Request) -> web.StreamResponse:
        """Cut the connection after some bytes; a Range starts there and is then served."""
        body = await self._bytes(request)
        limit = int(request.match_info["bytes"])
        start = request.http_range.start or 0
        headers = {"Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            answer = web.StreamResponse(status=206, headers=headers)
        else:
            answer = web.StreamResponse(headers=headers)
        answer.content_type, answer.content_length = _kind(request), len(body) - start
        await answer.prepare(request)
        await answer.write(body[start:] if start else body[:limit])
        if not start and limit < len(body) and request.transport is not None:
            request.transport.close()
        return answer

    async def _status(self, request: web.Request) -> web.Response:
        """Answer with a status."""
        return web.Response(status=int(request.match_info["code"]), text="refused on purpose\n")

    async def _redirect(self, request: web.Request) -> web.Response:
        """Redirect some times, then to the file."""
        times, name = int(request.match_info["times"]), request.match_info["file"]
        onward = f"../{times - 1}/{name}" if times > 1 else f"../../../{name}"
        raise web.HTTPFound(onward)

    async def _loop(self, _request: web.Request) -> web.Response:
        """Redirect to itself."""
        raise web.HTTPFound("redirect-loop")

    async def _private(self, request: web.Request) -> web.Response:
        """Redirect to a private address: `?to=`, by default the clouds' metadata."""
        raise web.HTTPFound(request.query.get("to", PRIVATE))

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        """Send a piece's Ogg pages at ten times their speed, again and again, with no length."""
        path = await self._file(request.query.get("file", "tone-1-60s.ogg"))
        body = await asyncio.to_thread(path.read_bytes)
        answer = await _begin(request)
        while True:
            for start in range(0, len(body), CHUNK):
                await answer.write(body[start : start + CHUNK])
                await asyncio.sleep(0.1)

    async def _endless_bytes(self, request: web.Request) -> web.StreamResponse:
        """Send bytes that are no media, as fast as they are taken."""
        answer = await _begin(request)
        block = random.Random(7).randbytes(CHUNK)  # noqa: S311 - filler
        while True:
            await answer.write(block)

    async def _huge(self, request: web.Request) -> web.StreamResponse:
        """Send a WAV of 3 GB (silence), with a true length and no Range."""
        answer = await _begin(request, length=HUGE, kind="audio/wav")
        await answer.write(_wav_header(HUGE))
        sent, block = 44, bytes(CHUNK)
        while sent < HUGE:
            await answer.write(block[: HUGE - sent])
            sent += CHUNK
        return answer

    async def _broken(self, request: web.Request) -> web.Response:
        """Serve the file with a tenth of its bytes wrong after the first 64 KB."""
        body = bytearray(await self._bytes(request))
        chance = random.Random(3)  # noqa: S311 - the same damage each time
        start = min(OGG_START, len(body) // 4)
        for place in chance.sample(range(start, len(body)), (len(body) - start) // 10):
            body[place] = chance.randrange(256)
        return web.Response(body=bytes(body), content_type=_kind(request))

    async def _truncated(self, request: web.Request) -> web.Response:
        """Serve the first half of the file as if it were all."""
        body = await self._bytes(request)
        return web.Response(body=body[: len(body) // 2], content_type=_kind(request))

    async def _empty(self, _request: web.Request) -> web.Response:
        """Serve nothing."""
        return web.Response(body=b"", content_type="audio/ogg")

    async def _page(self, _request: web.Request) -> web.Response:
        """Serve a page where a file was expected."""
        text = "<!doctype html><title>Not music</title><p>No music here.</p>"
        return web.Response(text=text, content_type="text/html")

    async def _recursive(self, request: web.Request) -> web.Response:
        """Serve a playlist of itself and of a private address."""
        own = f"{request.scheme}://{request.host}{request.path}"
        return web.Response(text=f"{own}\n{PRIVATE}\n", content_type="audio/x-mpegurl")


async def _gone(request: web.Request) -> None:
    """Wait until the client has hung up."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - aiohttp tells nobody
        await asyncio.sleep(0.2)


async def _begin(
    request: web.Request, *, length: int | None = None, kind: str = ""
) -> web.StreamResponse:
    answer = web.StreamResponse()
    answer.content_type = kind or _kind(request)
    answer.content_length = length
    await answer.prepare(request)
    return answer


def _kind(request: web.Request) -> str:
    kinds = {"mp3": "audio/mpeg", "webm": "audio/webm", "flac": "audio/flac", "wav": "audio/wav"}
    return kinds.get(request.path.rpartition(".")[2], "audio/ogg")


def _wav_header(size: int) -> bytes:
    data = size - 44
    fields = (16).to_bytes(4, "little") + b"\x01\x00\x02\x00" + (48_000).to_bytes(4, "little")
    rates = (192_000).to_bytes(4, "little") + b"\x04\x00\x10\x00"
    riff = b"RIFF" + (size - 8).to_bytes(4, "little") + b"WAVEfmt "
    return riff + fields + rates + b"data" + data.to_bytes(4, "little")
