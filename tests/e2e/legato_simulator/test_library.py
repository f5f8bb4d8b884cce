import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace

from legato_simulator import media
from legato_simulator.library import Library
from legato_simulator.voice_endpoint import free_socket
from support_waiting import PATIENCE, until

TONE = "tone-1-2s.ogg"


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture
async def base(cache: Path) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(Library(cache).routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    bound = free_socket()
    await web.SockSite(runner, bound).start()
    yield f"http://127.0.0.1:{bound.getsockname()[1]}/music"
    await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(sock_read=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


@pytest.fixture(scope="module")
def tone(cache: Path) -> bytes:
    return media.make("tone-1-2s", ["ogg"], cache)[0].read_bytes()


async def test_the_catalogue_names_playable_links(base: str, client: aiohttp.ClientSession):
    async with client.get(f"{base}/catalogue.json") as answer:
        items = (await answer.json())["items"]

    assert {"harbour-at-dusk", "morning-tram"} <= {item["name"] for item in items}
    assert items[0]["title"] == "Harbour at Dusk"
    assert items[0]["seconds"] > 60
    assert items[0]["url"] == f"{base}/harbour-at-dusk.ogg"
    assert set(items[0]["urls"]) == set(media.FORMATS)


async def test_who_asked_for_the_catalogue_finds_its_pieces_made(
    base: str, client: aiohttp.ClientSession, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    names = ("tone-7-1s", "tone-8-1s", "tone-9-1s")
    pieces = [replace(item, kind="music") for name in names if (item := media.described(name))]
    monkeypatch.setattr(media, "catalogue", lambda: pieces)

    async def listed() -> list[str] | None:
        async with client.get(f"{base}/catalogue.json") as answer:
            found = await answer.json()
        return None if found["preparing"] else [item["name"] for item in found["items"]]

    assert await until(listed) == [*names]
    assert all(media.path(name, "ogg", cache).exists() for name in names)


async def test_who_asked_for_the_playlist_of_all_finds_its_pieces_made(
    base: str, client: aiohttp.ClientSession, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    tone = media.described("tone-7-1s")
    assert tone
    monkeypatch.setattr(media, "catalogue", lambda: [replace(tone, kind="music")])

    async with client.get(f"{base}/all.m3u") as answer:
        assert answer.status == 200

    async def is_made() -> bool:
        return media.path(tone.name, "ogg", cache).exists()

    await until(is_made)


async def test_a_file_is_made_when_first_asked_for_and_served_in_parts(
    base: str, client: aiohttp.ClientSession
):
    async with client.get(f"{base}/tone-3-1s.flac") as answer:
        whole = await answer.read()
        assert (answer.status, answer.content_type) == (200, "audio/flac")
        assert answer.headers["Accept-Ranges"] == "bytes"
    async with client.get(f"{base}/tone-3-1s.flac", headers={"Range": "bytes=100-199"}) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
        assert await answer.read() == whole[100:200]


@pytest.mark.parametrize("path", ["nothing.ogg", "tone-1-2s.exe", "tone-1-2s", "..%2f..%2fetc"])
async def test_what_is_not_there_is_404(base: str, client: aiohttp.ClientSession, path: str):
    async with client.get(f"{base}/{path}") as answer:
        assert answer.status == 404


async def test_playlists_list_links(base: str, client: aiohttp.ClientSession):
    async with client.get(f"{base}/all.m3u") as answer:
        assert f"#EXTINF:94,Glass Stairs\n{base}/glass-stairs.ogg\n" in await answer.text()
    async with client.get(f"{base}/all.pls") as answer:
        assert f"={base}/glass-stairs.ogg\nTitle3=Glass Stairs\nLength3=94\n" in await answer.text()
    async with client.get(f"{base}/two.pls?of={TONE},http://elsewhere.test/x.mp3") as answer:
        text = await answer.text()
    assert f"File1={base}/{TONE}\nFile2=http://elsewhere.test/x.mp3\n" in text


async def test_a_server_without_range_sends_everything(
    base: str, client: aiohttp.ClientSession, tone: bytes
):
    headers = {"Range": "bytes=100-"}
    async with client.get(f"{base}/adverse/no-range/{TONE}", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, tone)


async def test_redirects_lead_to_the_file_in_circles_or_to_private_addresses(
    base: str, client: aiohttp.ClientSession, tone: bytes
):
    async with client.get(f"{base}/adverse/redirect/3/{TONE}") as answer:
        assert await answer.read() == tone
        assert len(answer.history) == 3
    with pytest.raises(aiohttp.TooManyRedirects):
        await client.get(f"{base}/adverse/redirect-loop")
    async with client.get(f"{base}/adverse/redirect-private", allow_redirects=False) as answer:
        assert answer.headers["Location"].startswith("http://169.254.169.254/")


async def test_a_cut_connection_can_be_continued_by_range(
    base: str, client: aiohttp.ClientSession, tone: bytes
):
    url = f"{base}/adverse/stop-at/5000/{TONE}"
    got = b""
    with contextlib.suppress(aiohttp.ClientPayloadError):
        async with client.get(url) as answer:
            async for part in answer.content.iter_any():
                got += part
    assert got == tone[:5000]
    async with client.get(url, headers={"Range": "bytes=5000-"}) as answer:
        assert got + await answer.read() == tone


@pytest.mark.parametrize("way", [f"hang/{TONE}?bytes=1000", f"hang-headers/{TONE}"])
async def test_a_hanging_server_hangs(base: str, client: aiohttp.ClientSession, way: str):
    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(0.5), client.get(f"{base}/adverse/{way}") as answer:
            await answer.read()


@pytest.mark.parametrize(
    ("way", "kind"),
    [("endless.ogg?file=tone-1-2s.ogg", b"OggS"), ("endless-bytes", b""), ("huge.wav", b"RIFF")],
)
async def test_streams_without_end_begin(base: str, client, way: str, kind: bytes):
    async with client.get(f"{base}/adverse/{way}") as answer:
        first = await answer.content.readexactly(30_000)
        assert first.startswith(kind)
        assert answer.content_length in {None, 3 << 30}


async def test_damaged_files_are_damaged(base: str, client: aiohttp.ClientSession, tone: bytes):
    async with client.get(f"{base}/adverse/broken/{TONE}") as answer:
        broken = await answer.read()
    async with client.get(f"{base}/adverse/truncated/{TONE}") as answer:
        assert await answer.read() == tone[: len(tone) // 2]
    async with client.get(f"{base}/adverse/status/503") as answer:
        assert answer.status == 503
    assert len(broken) == len(tone)
    assert broken != tone
