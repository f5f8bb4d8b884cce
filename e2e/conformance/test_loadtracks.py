"""Resolving identifiers."""

import pytest

from conformance import oddities, shapes
from conformance.citing import documented
from conformance.differences import Differs, Way
from conformance.server import Server
from conformance.surroundings import Surroundings


@pytest.mark.parametrize("ending", ["webm", "ogg", "mp3", "flac", "wav"])
@documented("`track`: A track has been loaded", "rest.md")
async def test_a_link_to_a_file_is_a_track(
    server: Server, around: Surroundings, ending: str
) -> None:
    link = around.music(f"tone-1-60s.{ending}")
    track = await server.track(link)
    info = track.info
    assert (info.identifier, info.uri, info.source_name) == (link, link, "http")
    assert (info.is_seekable, info.is_stream, info.position) == (True, False, 0)
    assert abs(info.length - 60_000) < 200
    assert track.user_data == {}


@documented("The track title", "rest.md")
async def test_tags_are_title_and_author(server: Server, around: Surroundings) -> None:
    info = (await server.track(around.music("tone-1-60s.mp3"))).info
    assert (info.title, info.author) == ("Test tone 1, 60 seconds", "The Simulators")


@documented("The track ISRC", "rest.md")
async def test_the_recording_is_named(server: Server, around: Surroundings) -> None:
    info = (await server.track(around.music("odd/tagged.ogg"))).info
    assert (info.title, info.isrc) == (oddities.TAGS["title"], oddities.TAGS["ISRC"])


@documented("Whether the track is a stream", "rest.md")
async def test_a_file_without_an_end_is_a_stream(server: Server, around: Surroundings) -> None:
    info = (await server.track(around.music("adverse/endless.ogg"))).info
    assert info.is_stream
    assert not info.is_seekable


@documented("`empty`: There has been no matches for your identifier", "rest.md")
async def test_a_missing_file_is_empty(server: Server, around: Surroundings) -> None:
    assert isinstance(await server.load(around.music("adverse/status/404")), shapes.NothingLoaded)


@documented("`empty`: There has been no matches for your identifier", "rest.md")
async def test_words_that_no_source_knows_are_empty(server: Server) -> None:
    assert isinstance(await server.load("no such thing at all"), shapes.NothingLoaded)


@pytest.mark.parametrize(
    ("prefix", "source"),
    [("ytsearch:", "youtube"), ("ytmsearch:", "youtube"), ("scsearch:", "soundcloud")],
)
@documented("disabling the respective source managers renders these search prefixes", "rest.md")
async def test_a_search_without_its_source_is_empty(
    server: Server, prefix: str, source: str
) -> None:
    if source not in (await server.info()).source_managers:
        assert isinstance(await server.load(f"{prefix}anything"), shapes.NothingLoaded)


@pytest.mark.parametrize("path", ["adverse/status/500", "adverse/page.html", "adverse/empty.ogg"])
@documented("`error`: Loading has failed with an error", "rest.md")
async def test_what_can_not_be_played_is_an_error(
    server: Server, around: Surroundings, path: str
) -> None:
    loaded = await server.load(around.music(path))
    assert isinstance(loaded, shapes.LoadFailed)
    assert loaded.data.message


@documented("`error`: Loading has failed with an error", "rest.md")
async def test_a_refused_connection_is_an_error(server: Server) -> None:
    assert isinstance(await server.load("http://127.0.0.1:9/x.mp3"), shapes.LoadFailed)


@documented("`suspicious`: The cause might not be exactly known, but is possibly", "rest.md")
async def test_a_server_that_hangs_up_is_suspicious(server: Server, around: Surroundings) -> None:
    loaded = await server.load(around.music("odd/hang-up"))
    assert isinstance(loaded, shapes.LoadFailed)
    assert loaded.data.severity == "suspicious"


@documented(
    "This endpoint is used to resolve audio tracks: GET /v4/loadtracks?identifier=", "rest.md"
)
async def test_an_identifier_is_required(server: Server) -> None:
    (await server.get("/v4/loadtracks")).refused(400)


@documented("The track uri", "rest.md")
async def test_redirects_are_followed(server: Server, around: Surroundings) -> None:
    track = await server.track(around.music("adverse/redirect/2/tone-1-60s.mp3"))
    assert abs(track.info.length - 60_000) < 200


@documented("`playlist`: A playlist has been loaded", "rest.md")
async def test_a_list_of_links_is_a_playlist(
    server: Server, around: Surroundings, differs: Differs
) -> None:
    loaded = await server.load(around.music("list.m3u?of=tone-1-60s.webm,tone-2-60s.webm"))
    links = [around.music(f"tone-{number}-60s.webm") for number in (1, 2)]
    if isinstance(loaded, shapes.PlaylistLoaded):
        assert loaded.data.info.name
        assert loaded.data.info.selected_track == -1
        assert [track.info.uri for track in loaded.data.tracks] == links
        differs("link-lists", Way.EMBEDDED)
    else:
        assert isinstance(loaded, shapes.TrackLoaded)
        differs("link-lists", Way.OFFICIAL)
