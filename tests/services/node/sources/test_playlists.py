import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.node.errors import MediaError
from legato.node.sources import playlists
from legato.node.sources.playlists import Entry

BASE = "http://example.org/lists/summer.m3u"


def test_an_m3u_gives_links_titles_and_lengths() -> None:
    text = "#EXTM3U\n#PLAYLIST:Summer\n#EXTINF:123.5,Sun - Shine\n../a.mp3\n\nhttp://x.org/b.ogg\n"

    assert playlists.parse("m3u", text, BASE, most=10) == playlists.Links(
        "Summer",
        (
            Entry("http://example.org/a.mp3", "Sun - Shine", 123_500),
            Entry("http://x.org/b.ogg", "", None),
        ),
    )


def test_a_pls_gives_its_files_in_order() -> None:
    text = "[playlist]\nFile2=http://x.org/2\nFile1=http://x.org/1\nTitle1=One\nLength1=-1\n"

    links = playlists.parse("pls", text, BASE, most=10)

    assert links.entries == (Entry("http://x.org/1", "One"), Entry("http://x.org/2"))
    assert links.name == "summer.m3u"


def test_no_more_links_are_taken_than_allowed_and_only_web_links() -> None:
    text = "file:///etc/passwd\n" + "".join(f"http://x.org/{n}\n" for n in range(10))

    assert len(playlists.parse("m3u", text, BASE, most=5).entries) == 4


def test_a_list_of_segments_is_no_playlist_of_links() -> None:
    with pytest.raises(MediaError, match="HLS"):
        playlists.parse("m3u", "#EXTM3U\n#EXT-X-VERSION:3\na.ts\n", BASE, most=5)


@pytest.mark.parametrize(
    ("head", "content_type", "link", "kind"),
    [
        (b"#EXTM3U\n", "", "http://x/a", "m3u"),
        (b"\xef\xbb\xbf#EXTM3U\n", "", "http://x/a", "m3u"),
        (b"[Playlist]\n", "", "http://x/a", "pls"),
        (b"http://x/b\n", "audio/x-mpegurl", "http://x/a", "m3u"),
        (b"http://x/b\n", "", "http://x/a.m3u8?x=1", "m3u"),
        (b"File1=x\n", "audio/x-scpls", "http://x/a", "pls"),
        (b"OggS\0\x02", "audio/x-mpegurl", "http://x/a.m3u", None),
        (b"ID3", "audio/mpeg", "http://x/a.mp3", None),
    ],
)
def test_a_playlist_is_recognised(
    head: bytes, content_type: str, link: str, kind: str | None
) -> None:
    assert playlists.kind(head, content_type, link) == kind


@given(st.text(), st.sampled_from(["m3u", "pls"]))
def test_any_text_is_read_or_refused(text: str, kind: str) -> None:
    try:
        playlists.parse(kind, text, BASE, most=10)
    except MediaError:
        return
