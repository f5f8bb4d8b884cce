import asyncio

import pytest
from aiohttp import web

from support_audio_node import Json, Stage
from support_media import FORMATS, SECONDS, tone

pytestmark = pytest.mark.asyncio(loop_scope="session")


def data(loaded: Json) -> Json:
    found = loaded["data"]
    assert isinstance(found, dict)
    return found


def info(loaded: Json) -> Json:
    found = data(loaded)["info"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("ending", FORMATS)
async def test_a_link_becomes_a_track(stage: Stage, ending: str) -> None:
    link = stage.files.url(f"tone.{ending}")

    loaded = await stage.node.load(link)

    assert loaded["loadType"] == "track"
    told = dict(info(loaded))
    length = told.pop("length")
    assert isinstance(length, int)
    assert abs(length - SECONDS * 1000) <= 250
    assert told == {
        "identifier": link,
        "isSeekable": True,
        "author": "Unknown artist",
        "isStream": False,
        "position": 0,
        "title": "Unknown title",
        "uri": link,
        "artworkUrl": None,
        "isrc": None,
        "sourceName": "http",
    }
    status, decoded = await stage.node.request(
        "POST", "/v4/decodetracks", [data(loaded)["encoded"]]
    )
    assert status == 200
    many: object = decoded
    assert many == [data(loaded)]


async def test_a_playlist_becomes_its_links(stage: Stage) -> None:
    text = f"#EXTM3U\n#PLAYLIST:Mine\n#EXTINF:20,One\ntone.mp3\n{stage.files.url('b.ogg')}\n"
    stage.files.files["mine.m3u"] = text.encode()

    loaded = await stage.node.load(stage.files.url("mine.m3u"))

    assert loaded["loadType"] == "playlist"
    assert data(loaded)["info"] == {"name": "Mine", "selectedTrack": -1}
    tracks = data(loaded)["tracks"]
    assert isinstance(tracks, list)
    assert [track["info"]["title"] for track in tracks] == ["One", "b.ogg"]
    await stage.patch(track={"encoded": tracks[0]["encoded"]}, voice=await stage.credentials())
    await stage.frames(20)


async def test_nothing_behind_a_link_is_empty(stage: Stage) -> None:
    for link in (stage.files.url("missing.mp3"), "ytsearch:something", "just words"):
        assert await stage.node.load(link) == {"loadType": "empty", "data": {}}


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("http://127.0.0.1:1/x.mp3", "private addresses"),
        ("http://localhost:1/x.mp3", "private addresses"),
        ("http://169.254.169.254/latest/meta-data", "private addresses"),
        ("http://[::1]:80/", "private addresses"),
        ("http://[::ffff:127.0.0.1]/", "private addresses"),
        ("http://0x7f000001/", "private addresses"),
        ("http://2130706433/", "private addresses"),
        ("http://user:pass@example.org/", "user name"),
    ],
)
async def test_a_forbidden_link_is_an_error(stage: Stage, link: str, message: str) -> None:
    loaded = await stage.node.load(link)

    assert loaded["loadType"] == "error"
    assert data(loaded)["severity"] == "common"
    assert message in str(data(loaded)["cause"])


async def test_a_redirect_is_followed_and_checked_at_each_step(stage: Stage) -> None:
    async def there(_: web.Request) -> web.Response:
        raise web.HTTPFound("/tone.mp3")

    async def inside(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/secret")

    async def to_a_file(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "file:///etc/passwd"})

    async def around(_: web.Request) -> web.Response:
        raise web.HTTPFound("/around")

    stage.files.special |= {
        "there": there,
        "inside": inside,
        "to-a-file": to_a_file,
        "around": around,
    }

    assert (await stage.node.load(stage.files.url("there")))["loadType"] == "track"
    for name, cause in (
        ("inside", "private addresses"),
        ("to-a-file", "only http and https"),
        ("around", "too many redirects"),
    ):
        loaded = await stage.node.load(stage.files.url(name))
        assert loaded["loadType"] == "error"
        assert cause in str(data(loaded)["cause"])


async def test_what_is_no_media_is_an_error(stage: Stage) -> None:
    stage.files.files["page.html"] = b"<html>" + b"x" * 10_000
    stage.files.files["empty.mp3"] = b""
    stage.files.files["cut.flac"] = tone("flac")[:30]
    stage.files.files["nonsense.ogg"] = b"OggS" + bytes(range(256)) * 100

    for name in ("page.html", "empty.mp3", "cut.flac", "nonsense.ogg"):
        loaded = await stage.node.load(stage.files.url(name))
        assert loaded["loadType"] == "error", name


async def test_a_server_error_is_an_error(stage: Stage) -> None:
    async def broken(_: web.Request) -> web.Response:
        return web.Response(status=500)

    stage.files.special["broken"] = broken

    loaded = await stage.node.load(stage.files.url("broken"))

    assert loaded["loadType"] == "error"
    assert data(loaded)["cause"] == "Status code 500"


async def test_a_file_without_range_is_a_track_that_is_not_seekable(stage: Stage) -> None:
    async def plain(_: web.Request) -> web.Response:
        return web.Response(body=tone("mp3"))

    stage.files.special["plain.mp3"] = plain

    loaded = await stage.node.load(stage.files.url("plain.mp3"))

    assert info(loaded)["isSeekable"] is False
    assert info(loaded)["isStream"] is False


async def test_a_stream_without_end_is_one(stage: Stage) -> None:
    async def radio(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "audio/mpeg"})
        await answer.prepare(request)
        while True:
            await answer.write(tone("mp3")[:16_000])
            await asyncio.sleep(0.05)

    stage.files.special["radio"] = radio

    loaded = await stage.node.load(stage.files.url("radio"))

    assert info(loaded)["isStream"] is True
    assert info(loaded)["length"] == (1 << 63) - 1
    await stage.patch(track={"encoded": data(loaded)["encoded"]}, voice=await stage.credentials())
    await stage.frames(60)
    assert stage.report().unbroken


async def test_text_that_is_no_track_is_refused(stage: Stage) -> None:
    status, answer = await stage.node.request("GET", "/v4/decodetrack?encodedTrack=AAAA")
    assert (status, answer["status"], answer["error"]) == (400, 400, "Bad Request")

    status, _ = await stage.node.request("POST", "/v4/decodetracks", [])
    assert status == 400
    status, _ = await stage.node.request("GET", "/v4/decodetrack")
    assert status == 400
    status, _ = await stage.node.request("GET", "/v4/loadtracks")
    assert status == 400
