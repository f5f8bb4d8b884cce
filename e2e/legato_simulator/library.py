"""A file server of music as links: with Range, a catalogue, playlists, and ill-behaved twins.

It serves what media.py makes, making it in a process of its own when first asked: all that the
catalogue names once that, or a playlist of it, is asked for. It knows no bot.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from legato_simulator import media
from legato_simulator.adverse import Adverse

MAKERS = 2
"""Files made side by side before they are asked for."""

PLAYLISTS = {
    "m3u": "audio/x-mpegurl",
    "m3u8": "application/vnd.apple.mpegurl",
    "pls": "audio/x-scpls",
}

Entry = tuple[str, media.Item | None]
"""A link of a playlist, and what it leads to where the playlist says so."""


class Library:
    """The music under one address."""

    def __init__(self, cache: Path | None = None) -> None:
        self.requests: list[tuple[str, str, str | None]] = []
        """(method, path, Range) of every request for a file, the newest 10,000."""
        self._cache = cache or media.default_cache()
        self._making: dict[str, asyncio.Lock] = {}
        self._adverse = Adverse(self.file)
        self._preparing: asyncio.Task[None] | None = None
        self._is_preparing = True
        """Whether some of the pieces may not be made yet."""

    def routes(self, prefix: str = "/music") -> list[web.RouteDef]:
        """List the routes: catalogue, files, playlists, adverse ones."""
        return [
            web.get(f"{prefix}/catalogue.json", self._catalogue),
            web.get(f"{prefix}/{{playlist}}.{{ending:m3u8?|pls}}", self._playlist),
            web.get(f"{prefix}/{{file:[^/]+}}", self._file),
            *self._adverse.routes(f"{prefix}/adverse"),
        ]

    async def stop(self) -> None:
        """Make nothing more."""
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait([self._preparing])

    async def file(self, asked: str) -> Path:
        """Give a file's path, making it if need be; raises KeyError for an unknown one."""
        name, _, ending = asked.partition(".")
        if media.described(name) is None or ending not in media.FORMATS:
            raise KeyError(asked)
        where = media.path(name, ending, self._cache)
        async with self._making.setdefault(asked, asyncio.Lock()):
            if not where.exists():
                await self._make(asked)
        return where

    async def _make(self, asked: str) -> None:
        command = (sys.executable, "-m", "legato_simulator.media", "--make", str(self._cache))
        process = await asyncio.create_subprocess_exec(
            *command,
            asked,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise OSError(f"{asked} could not be made: {said.decode(errors='replace')[-500:]}")

    async def _prepare(self) -> None:
        """Make what the list names and is not there yet: who asked for it will soon play of it."""
        items = media.catalogue()
        await self._make_all(item.name for item in items if item.kind == "music")
        self._is_preparing = False
        await self._make_all(item.name for item in items if item.kind != "music")

    def _begin_to_prepare(self) -> None:
        if self._preparing is None:
            self._preparing = asyncio.create_task(self._prepare())

    async def _make_all(self, names: Iterable[str]) -> None:
        left = iter(names)

        async def make() -> None:
            for name in left:
                with suppress(OSError):  # whoever asks for the file is told
                    await self.file(f"{name}.ogg")

        async with asyncio.TaskGroup() as tasks:
            for _ in range(MAKERS):
                tasks.create_task(make())

    async def _catalogue(self, request: web.Request) -> web.Response:
        self._begin_to_prepare()
        base = f"{request.scheme}://{request.host}{request.path.rpartition('/')[0]}"
        items = [
            {
                "name": item.name,
                "title": item.title,
                "artist": item.artist,
                "seconds": item.seconds,
                "kind": item.kind,
                "url": f"{base}/{item.name}.ogg",
                "urls": {ending: f"{base}/{item.name}.{ending}" for ending in item.formats},
            }
            for item in media.catalogue()
        ]
        return web.json_response({"items": items, "preparing": self._is_preparing})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        asked = request.match_info["file"]
        self.requests = self.requests[-9_999:]
        self.requests.append((request.method, request.path, request.headers.get("Range")))
        try:
            where = await self.file(asked)
        except KeyError as error:
            raise web.HTTPNotFound(text=f"there is no {asked}\n") from error
        kind = media.FORMATS[asked.rpartition(".")[2]].content_type
        return web.FileResponse(where, headers={"Content-Type": kind})

    async def _playlist(self, request: web.Request) -> web.Response:
        """List links: all the music, or with `?of=a.ogg,b.mp3` those; names may be full links."""
        base = f"{request.scheme}://{request.host}{request.path.rpartition('/')[0]}"
        given = [name for name in request.query.get("of", "").split(",") if name]
        if given:
            entries: list[Entry] = [
                (name if "://" in name else f"{base}/{name}", None) for name in given
            ]
        else:
            self._begin_to_prepare()
            pieces = [item for item in media.catalogue() if item.kind == "music"]
            entries = [(f"{base}/{piece.name}.ogg", piece) for piece in pieces]
        ending = request.match_info["ending"]
        text = _pls(entries) if ending == "pls" else _m3u(entries)
        return web.Response(text=text, content_type=PLAYLISTS[ending])


def _m3u(entries: Sequence[Entry]) -> str:
    described = (
        f"#EXTINF:{round(item.seconds)},{item.title}\n" if item else "" for _, item in entries
    )
    lines = (f"{about}{link}\n" for about, (link, _) in zip(described, entries, strict=True))
    return "#EXTM3U\n" + "".join(lines)


def _pls(entries: Sequence[Entry]) -> str:
    lines = []
    for number, (link, item) in enumerate(entries, 1):
        lines.append(f"File{number}={link}\n")
        if item:
            lines.append(f"Title{number}={item.title}\nLength{number}={round(item.seconds)}\n")
    return f"[playlist]\n{''.join(lines)}NumberOfEntries={len(entries)}\nVersion=2\n"
