"""Serves the page: the files beside this module, under a policy that lets nothing foreign run."""

from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
DIRECTIVES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    # Embeds and attachments of the bot under test show pictures from anywhere.
    "img-src": "'self' data: https: http:",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {of}" for name, of in DIRECTIVES.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Checked against its ETag each time, so that an update is seen at once.
    "Cache-Control": "no-cache",
}


def routes() -> list[web.RouteDef]:
    """List the routes: the page at /, its parts under /page."""
    return [
        web.get("/", _index),
        web.get("/favicon.ico", _icon),
        web.get("/page/{name}", _part),
    ]


async def _index(_request: web.Request) -> web.StreamResponse:
    return _file("index.html")


async def _icon(_request: web.Request) -> web.StreamResponse:
    return _file("icon.svg")


async def _part(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in {each.name for each in FOLDER.iterdir() if each.suffix in TYPES}:
        raise web.HTTPNotFound
    return _file(name)


def _file(name: str) -> web.FileResponse:
    kind = f"{TYPES[Path(name).suffix]}; charset=utf-8"
    return web.FileResponse(FOLDER / name, headers=HEADERS | {"Content-Type": kind})
