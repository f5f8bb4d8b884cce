"""A start waits until the music that it speaks of is made, and for nothing that can't be asked."""

import io
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from legato.embedded import ports, tryout
from legato.embedded.report import Terminal
from legato.embedded.tryout import Music


@pytest.fixture
async def catalogue() -> AsyncIterator[str]:
    """Serve a catalogue whose music is made by the third look."""
    looks = [True, True]

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"items": [], "preparing": bool(looks and looks.pop())})

    app = web.Application()
    app.add_routes([web.get("/catalogue.json", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = ports.free()
    await web.TCPSite(runner, ports.LOOPBACK, port).start()
    yield f"http://{ports.LOOPBACK}:{port}/catalogue.json"
    await runner.cleanup()
    assert not looks


async def test_music_is_waited_for_and_told_of(
    catalogue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tryout, "SOON", timedelta(0))
    shown = io.StringIO()
    music = Music(catalogue)

    await music.begin()
    await music.made(Terminal(shown))

    assert "music to try out" in shown.getvalue()
    assert "ready in" in shown.getvalue()


async def test_a_machine_that_is_too_busy_goes_on_without_and_says_so(
    catalogue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tryout, "MOST", timedelta(0))
    shown = io.StringIO()

    music = Music(catalogue)
    await music.made(Terminal(shown))
    await music.begin()

    assert "music to try out is still starting; this machine is busy" in shown.getvalue()


async def test_who_does_not_answer_is_not_waited_for() -> None:
    shown = io.StringIO()

    music = Music(f"http://{ports.LOOPBACK}:{ports.free()}/catalogue.json")
    await music.begin()
    await music.made(Terminal(shown))

    assert shown.getvalue() == ""
