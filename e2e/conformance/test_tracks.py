"""Encoded tracks."""

import base64
import struct

import pytest

from conformance import shapes
from conformance.citing import documented
from conformance.encoded import VERSIONED, HttpTrack
from conformance.server import Server
from conformance.surroundings import Surroundings

MADE = HttpTrack("http://example.invalid/music.mp3", title="Grüße, 世界", author="Ünder")
RUBBISH = ["rubbish", "AAAA", base64.b64encode(b"x" * 40).decode()]


@documented("Decode a single track into its info", "rest.md")
async def test_a_loaded_track_decodes_to_itself(server: Server, around: Surroundings) -> None:
    track = await server.track(around.music("tone-1-60s.webm"))
    answer = await server.get("/v4/decodetrack", encodedTrack=track.encoded)
    assert answer.be(shapes.Track) == track


@documented("The base64 encoded track data", "rest.md")
async def test_a_track_is_lavaplayers_message(server: Server, around: Surroundings) -> None:
    track = await server.track(around.music("tone-1-60s.webm"))
    raw = base64.b64decode(track.encoded, validate=True)
    (header,) = struct.unpack_from(">I", raw)
    assert header & VERSIONED
    assert header & (VERSIONED - 1) == len(raw) - 4
    assert 1 <= raw[4] <= 3


@pytest.mark.parametrize("version", [1, 2, 3])
@documented("Decode a single track into its info", "rest.md")
async def test_tracks_of_other_nodes_decode(server: Server, version: int) -> None:
    encoded = MADE.encode(version)
    track = (await server.get("/v4/decodetrack", encodedTrack=encoded)).be(shapes.Track)
    info = track.info
    assert track.encoded == encoded
    assert (info.title, info.author) == (MADE.title, MADE.author)
    # The first version has no link.
    assert (info.identifier, info.uri) == (MADE.uri, MADE.uri if version > 1 else None)
    assert (info.length, info.is_stream, info.source_name) == (MADE.length, False, "http")


@documented("The track position in milliseconds", "rest.md")
async def test_a_track_keeps_the_position_it_was_written_with(server: Server) -> None:
    encoded = HttpTrack(MADE.uri, position=12_345).encode()
    track = (await server.get("/v4/decodetrack", encodedTrack=encoded)).be(shapes.Track)
    assert track.info.position == 12_345


@documented("Decodes multiple tracks into their info", "rest.md")
async def test_several_tracks_decode_in_order(server: Server) -> None:
    encoded = [HttpTrack(f"http://example.invalid/{n}.mp3").encode() for n in range(3)]
    found = (await server.ask("POST", "/v4/decodetracks", encoded)).all(shapes.Track)
    assert [track.encoded for track in found] == encoded
    assert [track.info.identifier[-5] for track in found] == ["0", "1", "2"]


@documented("AudioLoaderRestHandler.kt: No tracks to decode provided", "server")
async def test_no_tracks_are_400(server: Server) -> None:
    (await server.ask("POST", "/v4/decodetracks", [])).refused(400)
    (await server.ask("POST", "/v4/decodetracks", b"{")).refused(400)


@documented("AudioLoaderRestHandler.kt: No track to decode provided", "server")
async def test_no_track_is_400(server: Server) -> None:
    (await server.get("/v4/decodetrack")).refused(400)


@pytest.mark.parametrize("encoded", RUBBISH)
@documented("where `BASE64` is the encoded base64 data", "rest.md")
async def test_what_is_no_track_is_an_error(server: Server, encoded: str) -> None:
    (await server.get("/v4/decodetrack", encodedTrack=encoded)).refused(400, 500)
    (await server.ask("POST", "/v4/decodetracks", [encoded])).refused(400, 500)
