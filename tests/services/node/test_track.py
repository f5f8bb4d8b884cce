import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lavalink import DataReader, decode_track, encode_track

from legato.node import protocol, track

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=50)


@st.composite
def infos(draw: st.DrawFn) -> protocol.TrackInfo:
    is_stream = draw(st.booleans())
    return protocol.TrackInfo(
        identifier=draw(ASCII),
        is_seekable=not is_stream,
        author=draw(TEXT),
        length=draw(st.integers(0, track.UNKNOWN_LENGTH)),
        is_stream=is_stream,
        position=draw(st.integers(0, 1 << 40)),
        title=draw(TEXT),
        uri=draw(st.none() | ASCII),
        source_name="http",
        artwork_url=draw(st.none() | ASCII),
        isrc=draw(st.none() | ASCII),
    )


@given(infos(), ASCII)
def test_a_track_comes_back_as_it_was(info: protocol.TrackInfo, probe: str) -> None:
    assert track.decode(track.encode(info, probe)) == track.Decoded(info, probe)


@given(infos())
def test_lavalinks_client_reads_what_the_node_writes(info: protocol.TrackInfo) -> None:
    read = decode_track(track.encode(info, "mp3"))

    assert (read.title, read.author, read.identifier) == (info.title, info.author, info.identifier)
    assert (read.duration, read.uri, read.artwork_url) == (info.length, info.uri, info.artwork_url)
    assert (read.isrc, read.stream) == (info.isrc, info.is_stream)
    assert read.extra["position"] == info.position
    assert read.extra["source_specific"] == {"probe_info": "mp3"}


@given(infos())
def test_the_node_reads_what_lavalinks_client_writes(info: protocol.TrackInfo) -> None:
    fields = {
        "title": info.title,
        "author": info.author,
        "length": info.length,
        "identifier": info.identifier,
        "isStream": info.is_stream,
        "uri": info.uri,
        "artworkUrl": info.artwork_url,
        "isrc": info.isrc,
        "sourceName": "http",
        "position": info.position,
    }
    encoders = {"http": lambda writer, _: writer.write_utf("flac")}

    _, encoded = encode_track(fields, encoders)

    assert track.decode(encoded) == track.Decoded(info, "flac")


def test_a_track_of_lavalinks_documentation_is_read() -> None:
    # docs/api/rest.md: a track of version 2.
    encoded = (
        "QAAAjQIAJVJpY2sgQXN0bGV5IC0gTmV2ZXIgR29ubmEgR2l2ZSBZb3UgVXAADlJpY2tBc3RsZXlWRVZPAAAAAAAD"
        "PCAAC2RRdzR3OVdnWGNRAAEAK2h0dHBzOi8vd3d3LnlvdXR1YmUuY29tL3dhdGNoP3Y9ZFF3NHc5V2dYY1EAB3lv"
        "dXR1YmUAAAAAAAAAAA=="
    )

    info = track.decode(encoded).info

    assert info.title == "Rick Astley - Never Gonna Give You Up"
    assert (info.length, info.source_name) == (212_000, "youtube")


@given(st.binary(max_size=200))
def test_nonsense_is_refused_and_never_crashes(data: bytes) -> None:
    for text in (base64.b64encode(data).decode(), data.decode("latin-1")):
        try:
            track.decode(text)
        except track.BadTrack:
            continue


def test_a_text_is_written_as_java_writes_it() -> None:
    info = track.decode(track.encode(_titled("a\0\U0001f3b5"), "")).info
    raw = base64.b64decode(track.encode(_titled("a\0\U0001f3b5"), ""))

    assert info.title == "a\0\U0001f3b5"
    assert raw[5:].startswith(b"\0\x09a\xc0\x80\xed\xa0\xbc\xed\xbe\xb5")
    assert DataReader(base64.b64encode(raw[5:]).decode()).read_utfm() == info.title


def test_text_that_is_no_track_says_so() -> None:
    with pytest.raises(track.BadTrack):
        track.decode("not base64 at all")


def _titled(title: str) -> protocol.TrackInfo:
    return protocol.TrackInfo(
        identifier="x",
        is_seekable=True,
        author="",
        length=1,
        is_stream=False,
        position=0,
        title=title,
        uri=None,
        source_name="http",
        artwork_url=None,
        isrc=None,
    )
